-- api.set_default_policy: the policy of stock levels made from now on.
begin;
select plan(24);
select test.make_catalogue();
select * from api.upsert_items('[{"sku": "D", "name": "d", "kind": "digital"}, {"sku": "K", "name": "k", "kind": "bundle"}]');
select * from api.add_stock('A', 'W1', 1);
create function pg_temp.policy(sku text, location text) returns text language sql as $$ select s.policy from api.get_stock_level(sku, location) as s $$;
select is((select p.version from api.set_default_policy(location => 'W2', policy => 'oversell') as p), 2::bigint, 'a location');
select is((select p.version from api.set_default_policy(location => 'W2', policy => 'oversell') as p), 2::bigint, 'again: nothing changes');
select is((select p.version from api.set_default_policy(sku => 'A', policy => 'backorder') as p), 2::bigint, 'an item');
select results_eq($$ select * from api.set_default_policy(location => 'W2', policy => 'oversell', idempotency_key => 'k') $$, $$ values (2::bigint, false) $$, 'under a key');
select results_eq($$ select * from api.set_default_policy(location => 'W2', policy => 'oversell', idempotency_key => 'k') $$, $$ values (2::bigint, true) $$, 'a replay is marked as one');
select is((select stock_policy from api.get_item('A')), 'backorder', 'the item has it');
select is((select stock_policy from api.get_location('W2')), 'oversell', 'the location has it');
select * from api.add_stock('A', 'W2', 1);
select * from api.reserve_stock('B', 'W2', 1);
select * from api.set_stock_policy('B', 'W1');
select is(pg_temp.policy('A', 'W1'), 'deny', 'a level that is there keeps its policy');
select is(pg_temp.policy('A', 'W2'), 'backorder', 'a new one gets that of the item');
select is(pg_temp.policy('B', 'W2'), 'oversell', 'else that of the location');
select is(pg_temp.policy('B', 'W1'), 'deny', 'else none');
select is((select p.version from api.set_default_policy(sku => 'A') as p), 3::bigint, 'null takes it away');
select * from api.add_stock('A', 'SHUT', 1);
select is(pg_temp.policy('A', 'SHUT'), 'deny', 'for new levels');
select results_eq($$ select detail from api.get_audit_entries(action => 'set_default_policy') $$, array[
    '{"sku": "A", "from": "backorder", "to": null, "version": 3}', '{"sku": "A", "from": null, "to": "backorder", "version": 2}',
    '{"location": "W2", "from": null, "to": "oversell", "version": 2}']::jsonb[], 'each change is audited');
select throws_ok($$ select api.set_default_policy() $$, 'IV008', null, 'nothing named');
select throws_ok($$ select api.set_default_policy('A', 'W1', 'deny') $$, 'IV008', null, 'both named');
select throws_ok($$ select api.set_default_policy('A', policy => 'unlimited') $$, 'IV008', null, 'unlimited is not given');
select throws_ok($$ select api.set_default_policy('D', policy => 'deny') $$, 'IV008', null, 'a digital item is never short');
select throws_ok($$ select api.set_default_policy('K', policy => 'deny') $$, 'IV016', null, 'a bundle has no stock');
select throws_ok($$ select api.set_default_policy('NONE', policy => 'deny') $$, 'IV003', null, 'an unknown sku is refused');
select throws_ok($$ select api.set_default_policy(location => 'NONE', policy => 'deny') $$, 'IV004', null, 'an unknown location is refused');
select throws_ok($$ select api.set_default_policy(location => 'NONE') $$, 'IV004', null, 'also to take it away');
select is((select count(*) from inventory.stock_movement as m where m.type = 'policy'), 2::bigint, 'defaults are no movements');
select is_empty('select * from test.broken_rules()', 'every invariant holds');
select * from finish();
rollback;
