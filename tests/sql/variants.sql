-- Variants: items with a parent. Each is an item of its own; what is done to one touches neither its parent nor its siblings.
begin;
select plan(21);
select api.upsert_locations('[{"id": "W1"}, {"id": "W2"}]');
select results_eq($$ select sku, parent_sku from api.upsert_items('[{"sku": "SHIRT", "name": "Shirt"}]') $$, $$ values ('SHIRT', null::text) $$, 'a parent');
select results_eq($$ select sku, parent_sku, metadata from api.upsert_items('[{"sku": "SHIRT-S", "name": "Shirt S", "parent_sku": "SHIRT", "metadata": {"size": "S"}}, {"sku": "SHIRT-M", "name": "Shirt M", "parent_sku": "SHIRT", "metadata": {"size": "M"}}]') $$,
    $$ values ('SHIRT-S', 'SHIRT', '{"size": "S"}'::jsonb), ('SHIRT-M', 'SHIRT', '{"size": "M"}') $$, 'and its variants');
select is((select parent_sku from api.get_item('SHIRT-M')), 'SHIRT', 'as they are read');
select * from api.add_stock('SHIRT-S', 'W1', 5);
select * from api.add_stock('SHIRT-M', 'W1', 3);
select is_empty($$ select * from api.get_stock_level('SHIRT') $$, 'the parent has no stock of theirs');
select throws_ok($$ select * from api.reserve_stock('SHIRT', 'W1', 1) $$, 'IV001', null, 'nor can it be had for one of them');
select * from api.reserve_stock('SHIRT-S', 'W1', 5);
select throws_ok($$ select * from api.reserve_stock('SHIRT-S', 'W1', 1) $$, 'IV001', null, 'a variant that is sold out');
select is((select quantity from api.reserve_stock('SHIRT-M', 'W1', 3)), 3::bigint, 'takes nothing from its sibling');
select lives_ok($$ select * from api.add_stock('SHIRT', 'W1', 2) $$, 'a parent may have stock of its own');
select is((select string_agg(sku || ' ' || available, ', ' order by sku) from (select (api.get_availability(s.sku)).* from unnest(array['SHIRT', 'SHIRT-M', 'SHIRT-S']) as s (sku)) as a), 'SHIRT 2, SHIRT-M 0, SHIRT-S 0', 'each by itself');
select throws_ok($$ select * from api.upsert_item('SHIRT', parent_sku => 'SHIRT') $$, 'IV008', null, 'an item is not its own parent');
select throws_ok($$ select * from api.upsert_item('SHIRT', parent_sku => 'SHIRT-S') $$, 'IV008', null, 'nor the variant of one of its variants');
select throws_ok($$ select * from api.upsert_items('[{"sku": "L1", "name": "l"}, {"sku": "L2", "name": "l"}, {"sku": "L1", "name": "l"}]') $$, 'IV008', null, 'a set names an item once');
select is((select string_agg(sku, ',') from api.upsert_items('[{"sku": "L1", "name": "l"}, {"sku": "L2", "name": "l"}, {"sku": "L3", "name": "l"}]')), 'L1,L2,L3', 'three items');
select is(test.refusal($$ select * from api.upsert_items('[{"sku": "L3", "name": "m"}, {"sku": "L1", "parent_sku": "L2"}, {"sku": "L2", "parent_sku": "L1"}]') $$) - 'problem',
    '{"code": "IV008", "field": "parent_sku", "entry": 1}', 'no circle within a set');
select is((select string_agg(coalesce(parent_sku, '-'), ',') from api.upsert_items('[{"sku": "L1", "parent_sku": "L2"}, {"sku": "L2", "parent_sku": "L3"}, {"sku": "L3"}]')), 'L2,L3,-', 'a row of them is none');
select throws_ok($$ select * from api.upsert_item('X', 'x', parent_sku => 'NONE') $$, 'IV003', null, 'an unknown parent is refused');
select lives_ok($$ select * from api.upsert_item('SHIRT', status => 'archived') $$, 'a parent may be archived');
select lives_ok($$ select * from api.add_stock('SHIRT-M', 'W1', 1) $$, 'its variants stay');
select is((select parent_sku from api.upsert_item('SHIRT-M', 'Shirt medium')), 'SHIRT', 'a variant keeps its parent when it is changed');
select api.upsert_item('DUO', 'Two sizes', kind => 'bundle'), api.set_bundle('DUO', '[{"sku": "SHIRT-M", "quantity": 1}, {"sku": "SHIRT-S", "quantity": 1}]');
select is((select available from api.get_availability('DUO')), 0::bigint, 'variants may be components');
select is_empty('select * from test.broken_rules()', 'every invariant holds');
select * from finish();
rollback;
