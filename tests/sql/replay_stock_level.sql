-- api.replay_stock_level: the ledger of one stock level, added up. From a closing balance on: retire_movement_partitions.
begin;
select plan(15);
select test.make_catalogue();
select * from api.set_stock_policy('A', 'W1', policy => 'backorder');
select * from api.add_stock('A', 'W1', 10);
select * from api.reserve_stock('A', 'W1', 13);
select * from api.add_stock('A', 'W1', 4);
select * from api.set_stock_policy('A', 'W1', safety_stock => 5);
select api.apply_commands('[{"op": "ship", "sku": "A", "from": "W1", "to": "W2", "quantity": 1}]');
create function pg_temp.replayed(version bigint) returns text language sql as $$
    select concat_ws(' ', s.on_hand, s.reserved, s.available, s.in_transit, s.backordered, s.safety_stock, s.policy, s.status, 'v' || s.version)
    from api.replay_stock_level('A', 'W1', replayed.version) as s
$$;
select is(pg_temp.replayed(1), '0 0 0 0 0 0 deny out_of_stock v1', 'the first version');
select is(pg_temp.replayed(2), '0 0 0 0 0 0 backorder out_of_stock v2', 'a setting');
select is(pg_temp.replayed(4), '10 10 0 0 3 0 backorder out_of_stock v4', 'a backorder');
select is(pg_temp.replayed(5), '14 10 4 0 3 0 backorder in_stock v5', 'a receipt');
select is(pg_temp.replayed(6), '14 13 1 0 0 0 backorder in_stock v6', 'which goes to who waits');
select is(pg_temp.replayed(7), '14 13 1 0 0 5 backorder low_stock v7', 'settings are those of the version');
select is(pg_temp.replayed(8), '13 13 0 0 0 5 backorder out_of_stock v8', 'all states are added up');
select is(pg_temp.replayed(100), pg_temp.replayed(8), 'a version to come is the last');
select results_eq($$ select r.sku, r.on_hand, r.reserved, r.in_transit, r.version, r.last_movement_at from unnest(array['W1', 'W2']) as l (id) cross join lateral api.replay_stock_level('A', l.id) as r $$,
    $$ select sku, on_hand, reserved, in_transit, version, last_movement_at from api.get_stock_level('A') $$, 'to its end it leads to the level');
select is_empty($$ select * from api.replay_stock_level('A', 'W1', 0) $$, 'version 0 is nothing');
select is_empty($$ select * from api.replay_stock_level('B', 'W1') $$, 'as is a level that never was');
select throws_ok($$ select * from api.replay_stock_level('A', 'W1', -1) $$, 'IV008', null, 'a negative version is refused');
select throws_ok($$ select * from api.replay_stock_level('NONE', 'W1') $$, 'IV003', null, 'an unknown sku is refused');
select throws_ok($$ select * from api.replay_stock_level('A', 'NONE') $$, 'IV004', null, 'an unknown location is refused');
update inventory.stock_level set on_hand = on_hand + 1, available = available + 1, status = 'low_stock' where location_id = 'W1';
select is(pg_temp.replayed(null), '13 13 0 0 0 5 backorder out_of_stock v8', 'it does not ask the level');
select * from finish();
rollback;
