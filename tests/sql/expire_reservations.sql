-- api.expire_reservations: the sweeper. It changes no answer, it only writes rows in good time.
begin;
select plan(20);
select test.make_catalogue();
select * from api.add_stock('A', 'W1', 10);
select * from api.add_stock('B', 'W1', 10);
select is(api.expire_reservations(), 0, 'nothing is due');
select * from api.reserve_stock('A', 'W1', 1, expires_in => '1600 milliseconds', reservation_id => '00000000-0000-0000-0000-000000000001');
select * from api.reserve_stock('A', 'W1', 2, expires_in => '1604 milliseconds', reservation_id => '00000000-0000-0000-0000-000000000002');
select * from api.reserve_stock(reservation_id => '00000000-0000-0000-0000-000000000003', expires_in => '1608 milliseconds', lines =>
    '[{"sku": "A", "location": "W1", "quantity": 1}, {"sku": "B", "location": "W1", "quantity": 4}]');
select * from api.reserve_stock('A', 'W1', 3, reservation_id => '00000000-0000-0000-0000-000000000004');
select pg_sleep(1.64);
select is(api.expire_reservations(max_count => 1), 1, 'at most as many as asked for');
select is(test.level('A', 'W1'), '10 3 7 in_stock v8', 'whoever locks a key frees all that is due on it');
select is(test.level('B', 'W1'), '10 4 6 in_stock v2', 'other keys wait');
select is((select count(*) from api.get_stock_level('B') where available = 10), 1::bigint, 'but are not counted as held');
select cmp_ok(api.expire_reservations(), '>=', 1, 'the rest is written');
select is(test.level('B', 'W1'), '10 0 10 in_stock v3', 'and freed');
select is(api.expire_reservations(), 0, 'then nothing is due');
select set_eq($$ select r.id, r.status from inventory.reservation as r $$,
    $$ values ('00000000-0000-0000-0000-000000000001'::uuid, 'EXPIRED'), ('00000000-0000-0000-0000-000000000002', 'EXPIRED'),
        ('00000000-0000-0000-0000-000000000003', 'EXPIRED'), ('00000000-0000-0000-0000-000000000004', 'PENDING') $$,
    'each reservation says what became of it');
select is((select count(*) from inventory.reservation_line as l where l.status = 'PENDING'), 1::bigint, 'a line that is not due is left');
select set_eq($$ select distinct m.source, m.reason from inventory.stock_movement as m where m.type = 'expire' $$,
    $$ values ('expiry', 'hold expired') $$, 'the ledger says why');
-- The sweeper comes every second: what it costs must not grow with the holds that are open.
select * from api.add_stock('A', 'W1', 1000);
select is((select count(*) from api.apply_commands((select jsonb_agg('{"op": "reserve", "sku": "A", "location": "W1", "quantity": 1}'::jsonb)
    from generate_series(1, 500)))), 500::bigint, 'many holds that are not due');
create temporary table looked_at as select pg_stat_get_xact_tuples_returned('inventory.reservation_due'::regclass) as entries;
select api.expire_reservations() from generate_series(1, 10);
select cmp_ok(pg_stat_get_xact_tuples_returned('inventory.reservation_due'::regclass) - (select l.entries from looked_at as l), '<', 100::bigint,
    'none of them is looked at');
select throws_ok('select api.expire_reservations(0)', 'IV008', null, 'zero is refused');
select throws_ok('select api.expire_reservations(-1)', 'IV008', null, 'a negative number is refused');
select throws_ok('select api.expire_reservations(1001)', 'IV008', null, '1,001 is refused');
select throws_ok('select api.expire_reservations(null)', 'IV008', null, 'null is refused');
select lives_ok('select api.expire_reservations(1000)', '1,000 is taken');
select is(test.outcomes('[{"op": "expire", "reservation_id": "00000000-0000-0000-0000-000000000004"}]'), '{IV009}', 'a hold that is not due is not expired');
select is_empty('select * from test.broken_rules()', 'every invariant holds');
select * from finish();
rollback;
