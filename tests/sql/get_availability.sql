-- api.get_availability: how much can be reserved now, of an item or of whole bundles.
begin;
select plan(29);
select api.upsert_items('[{"sku": "A", "name": "a"}, {"sku": "B", "name": "b"}, {"sku": "EBOOK", "name": "e", "kind": "digital"}, {"sku": "KIT", "name": "k", "kind": "bundle"}, {"sku": "SET", "name": "s", "kind": "bundle"},
    {"sku": "BARE", "name": "n", "kind": "bundle"}, {"sku": "NEW", "name": "n"}]');
select api.upsert_locations('[{"id": "W1"}, {"id": "W2"}, {"id": "W3"}, {"id": "SHUT"}]');
select api.set_bundle('KIT', '[{"sku": "A", "quantity": 2}, {"sku": "B", "quantity": 1}]'), api.set_bundle('SET', '[{"sku": "KIT", "quantity": 1}, {"sku": "A", "quantity": 1}, {"sku": "EBOOK", "quantity": 1}]');
select * from api.add_stock('A', 'W1', 9);
select * from api.add_stock('B', 'W1', 3);
select * from api.add_stock('A', 'W2', 5);
select * from api.add_stock('A', 'SHUT', 5);
select api.upsert_location('SHUT', status => 'closed');
create function pg_temp.of(sku text, location text default null) returns text language sql as $$
    select string_agg(concat_ws(' ', a.location, coalesce(a.available::text, 'all'), case when a.backorderable then 'more' end, case when a.unlimited then 'unlimited' end), ', ' order by a.location)
    from api.get_availability("of".sku, "of".location) as a
$$;

select results_eq($$ select sku, kind, location, available, backorderable, unlimited from api.get_availability('A') $$, $$ values ('A', 'physical', 'W1', 9::bigint, false, false), ('A', 'physical', 'W2', 5, false, false) $$, 'of an item, at each open place');
select is(pg_temp.of('A', 'W2'), 'W2 5', 'or at one');
select is(pg_temp.of('A', 'W3'), 'W3 0', 'where there is none');
select is(pg_temp.of('A', 'SHUT'), null, 'a closed location has nothing to reserve');
select is(pg_temp.of('NEW'), null, 'what never came in is nowhere');
select results_eq($$ select sku, kind, location, available from api.get_availability('KIT') $$, $$ values ('KIT', 'bundle', 'W1', 3::bigint), ('KIT', 'bundle', 'W2', 0) $$, 'of a bundle whole ones, where any component is');
select is(pg_temp.of('SET', 'W1'), 'W1 3', 'components that two ways need are counted once: nine of A, three each');
select is(pg_temp.of('SET', 'W3'), 'W3 0', 'a digital component alone makes none');
select is(pg_temp.of('EBOOK', 'W3'), 'W3 all more unlimited', 'a digital item has no limit anywhere');
select is(pg_temp.of('EBOOK'), null, 'and is listed where it was sold');
select is(pg_temp.of('BARE', 'W1'), null, 'a bundle of nothing cannot be had');

-- What it says can be reserved, and no more.
select * from api.reserve_stock('A', 'W1', 2, expires_in => '2000 milliseconds');
select is(pg_temp.of('A', 'W1') || ', ' || pg_temp.of('KIT', 'W1') || ', ' || pg_temp.of('SET', 'W1'), 'W1 7, W1 3, W1 2', 'what is held is not there');
select throws_ok($$ select * from api.reserve_stock('SET', 'W1', 3) $$, 'IV001', null, 'more cannot be had');
select lives_ok($$ select * from api.reserve_stock('SET', 'W1', 2, reservation_id => '00000000-0000-0000-0000-000000000001') $$, 'that can');
select is(pg_temp.of('SET', 'W1') || ', ' || pg_temp.of('EBOOK'), 'W1 0, W1 all more unlimited', 'then it is gone');
select * from api.cancel_reservation('00000000-0000-0000-0000-000000000001');
select pg_sleep(2.04);
select is(pg_temp.of('A', 'W1') || ', ' || pg_temp.of('SET', 'W1'), 'W1 9, W1 3', 'a hold past its deadline is not counted');
select is((select count(*) from inventory.reservation_line as l where l.status = 'PENDING' and l.expires_at < clock_timestamp()), 1::bigint, 'though nobody has written it off');

-- Policies.
select * from api.set_stock_policy('A', 'W2', policy => 'backorder');
select is(pg_temp.of('A', 'W2'), 'W2 5 more', 'more than that may wait');
select is(pg_temp.of('KIT', 'W2'), 'W2 0', 'a bundle only if each component may');
select api.set_default_policy('B', policy => 'backorder');
select is(pg_temp.of('KIT', 'W2'), 'W2 0 more', 'also by a default');
select lives_ok($$ select * from api.reserve_stock('KIT', 'W2', 1) $$, 'as can be reserved');
select * from api.set_stock_policy('A', 'W3', policy => 'oversell');
select * from api.remove_stock('A', 'W3', 4);
select is(pg_temp.of('A', 'W3'), 'W3 0 more', 'a place that owes has none, and promises more');
select is((select sum(a.available) from api.get_availability('A') as a), 12::numeric, 'what it owes hides nothing of others (f11)');

-- Archived.
select api.upsert_item('B', status => 'archived');
select is(pg_temp.of('KIT'), null, 'a bundle with an archived component cannot be had');
select api.upsert_item('A', status => 'archived');
select is(pg_temp.of('A', 'W1'), null, 'nor an archived item');

select is_empty($$ select * from test.unexpected('{"select * from api.get_availability(null)": "IV008", "select * from api.get_availability(''NONE'')": "IV003", "select * from api.get_availability('''')": "IV003",
    "select * from api.get_availability(''A'', ''NONE'')": "IV004", "select * from api.get_availability(''KIT'', '''')": "IV004"}') $$, 'what is wrong is refused by its code');
select is((select p.provolatile::text from pg_proc as p where p.oid = 'api.get_availability'::regproc), 's', 'it only reads');
select is((select count(*) from inventory.stock_level as s join inventory.item as i on i.id = s.item_id where i.kind = 'bundle'), 0::bigint, 'no bundle has a level of its own');
select is_empty('select * from test.broken_rules()', 'every invariant holds');
select * from finish();
rollback;
