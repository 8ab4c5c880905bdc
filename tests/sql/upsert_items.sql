-- api.upsert_items and api.upsert_item: items by sku.
begin;
select plan(42);
select results_eq(
    $$ select sku, name, description, kind, parent_sku, category, unit_of_measure, tags, dimensions, metadata, status, version
        from api.upsert_item('S-1', 'Shirt') $$,
    $$ values ('S-1', 'Shirt', null::text, 'physical', null::text, null::text, 'EACH', '{}'::text[], null::jsonb, '{}'::jsonb, 'active', 1::bigint) $$,
    'a new item has defaults');
select results_eq(
    $$ select sku, name, description, kind, parent_sku, category, unit_of_measure, tags, dimensions, metadata, status, version
        from api.upsert_item('S-1-M', 'Shirt M', 'Blue', 'digital', 'S-1', 'shirts', 'BOX', '{new,blue}', '{"width": 1}', '{"a": {"b": null}}', 'archived') $$,
    $$ values ('S-1-M', 'Shirt M', 'Blue', 'digital', 'S-1', 'shirts', 'BOX', '{new,blue}'::text[], '{"width": 1}'::jsonb,
        '{"a": {"b": null}}'::jsonb, 'archived', 1::bigint) $$, 'every field is kept as it was given, also a null inside metadata');
select is((select c.name from inventory.category as c where c.code = 'shirts'), 'shirts', 'its category is made');
select results_eq($$ select name, description, kind, tags, version from api.upsert_item('S-1-M', name => 'Shirt M2') $$,
    $$ values ('Shirt M2', 'Blue', 'digital', '{new,blue}'::text[], 2::bigint) $$, 'null keeps what the item has');
select is((select version from api.upsert_item('S-1-M', name => 'Shirt M2')), 2::bigint, 'an item that stays as it is keeps its version');
select is((select tags from api.upsert_item('S-1-M', tags => '{}')), '{}'::text[], 'tags can be emptied');
select ok((select i.updated_at > i.created_at from inventory.item as i where i.sku = 'S-1-M'), 'updated_at moves');

-- Sets.
select results_eq($$ select sku, version from api.upsert_items('[{"sku": "Z", "name": "z"}, {"sku": "S-1", "name": "Shirt"}, {"sku": "Y", "name": "y"}]') $$,
    $$ values ('Z', 1::bigint), ('S-1', 1), ('Y', 1) $$, 'rows come back in the order given');
select is_empty($$ select * from api.upsert_items('[]') $$, 'no item, no row');
select is((select count(*) from api.upsert_items((select jsonb_agg(jsonb_build_object('sku', 'N' || n, 'name', 'n')) from generate_series(1, 1000) as n))),
    1000::bigint, '1,000 items at once');
select throws_ok($$ select * from api.upsert_items((select jsonb_agg(jsonb_build_object('sku', 'N' || n, 'name', 'n')) from generate_series(1, 1001) as n)) $$,
    'IV013', null, '1,001 items are refused');
select throws_ok($$ select * from api.upsert_items('{}') $$, 'IV008', null, 'an object is refused');
select throws_ok($$ select * from api.upsert_items(null) $$, 'IV008', null, 'null is refused');
select is(test.refusal($$ select * from api.upsert_items('[{"sku": "NEW-1", "name": "n"}, {"sku": "NEW-2", "name": "n", "kind": "liquid"}]') $$),
    '{"code": "IV008", "entry": 1, "field": "kind", "problem": "must be physical, digital or bundle"}', 'the detail names entry and field');
select is_empty($$ select * from api.get_item('NEW-1') $$, 'all or nothing');
select is(test.refusal($$ select * from api.upsert_items('[{"sku": "D", "name": "n"}, {"sku": "D", "name": "m"}]') $$) ->> 'entry', '1', 'a sku twice is refused');

-- Forms.
select throws_ok($$ select * from api.upsert_item('NEW') $$, 'IV008', null, 'a new item needs a name');
select throws_ok($$ select * from api.upsert_item(null, 'n') $$, 'IV008', null, 'no sku is refused');
select throws_ok($$ select * from api.upsert_item('', 'n') $$, 'IV008', null, 'an empty sku is refused');
select throws_ok($$ select * from api.upsert_item(' A', 'n') $$, 'IV008', null, 'a sku with a blank before it is refused');
select throws_ok($$ select * from api.upsert_item(e'A\nB', 'n') $$, 'IV008', null, 'a sku with a line break is refused');
select lives_ok($$ select * from api.upsert_item(repeat('s', 64), 'n') $$, 'a sku of 64 characters is taken');
select throws_ok($$ select * from api.upsert_item(repeat('s', 65), 'n') $$, 'IV008', null, 'a sku of 65 characters is refused');
select lives_ok($$ select * from api.upsert_item('Grün 1/2', 'ünïcode') $$, 'letters, blanks and signs inside are taken');
select lives_ok($$ select * from api.upsert_item('X', repeat('n', 500)) $$, 'a name of 500 characters is taken');
select throws_ok($$ select * from api.upsert_item('X', repeat('n', 501)) $$, 'IV008', null, 'a name of 501 characters is refused');
select throws_ok($$ select * from api.upsert_item('X', '') $$, 'IV008', null, 'an empty name is refused');
select throws_ok($$ select * from api.upsert_item('X', description => repeat('d', 100001)) $$, 'IV008', null, 'a description of 100,001 characters is refused');
select throws_ok($$ select * from api.upsert_item('X', unit_of_measure => 'a b') $$, 'IV008', null, 'a unit with a blank is refused');
select throws_ok($$ select * from api.upsert_item('X', status => 'gone') $$, 'IV008', null, 'an unknown status is refused');
select throws_ok($$ select * from api.upsert_item('X', dimensions => '[]') $$, 'IV008', null, 'dimensions must be an object');
select throws_ok($$ select * from api.upsert_item('X', metadata => '1') $$, 'IV008', null, 'metadata must be an object');
select throws_ok($$ select * from api.upsert_item('X', category => ' ') $$, 'IV008', null, 'a blank category is refused');
select throws_ok($$ select * from api.upsert_item('X', tags => array_fill('t'::text, array[101])) $$, 'IV008', null, '101 tags are refused');
select throws_ok($$ select * from api.upsert_items('[{"sku": "X", "tags": [1]}]') $$, 'IV008', null, 'a tag that is no text is refused');
select throws_ok($$ select * from api.upsert_items('[{"sku": "X", "colour": "red"}]') $$, 'IV008', null, 'an unknown field is refused');
select throws_ok($$ select * from api.upsert_items('[1]') $$, 'IV008', null, 'an entry that is no object is refused');
select throws_ok($$ select * from api.upsert_item('X', parent_sku => 'NONE') $$, 'IV003', null, 'an unknown parent is refused');
select throws_ok($$ select * from api.upsert_item('X', parent_sku => 'X') $$, 'IV008', null, 'an item is not its own parent');

-- Versions jump with the epoch.
select api.raise_epoch('test');
select is((select version from api.upsert_item('X', 'other')), 1099511627776, 'the next version is in the new epoch');
select is((select version from api.upsert_item('X2', 'new')), 1099511627776, 'so is the first of a new item');
select is((select version from api.upsert_item('X', 'third')), 1099511627777, 'and it goes on from there');
select * from finish();
rollback;
