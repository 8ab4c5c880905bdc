-- f08 on levels that are decided one command at a time: with the sweeper off, a hold is free at its deadline, and not before; what it kept goes to who
-- waits. A compare-and-set is not disturbed by the freeing.
begin;
select plan(35);
select api.upsert_items('[{"sku": "Q", "name": "q"}, {"sku": "A", "name": "a"}, {"sku": "EBOOK", "name": "e", "kind": "digital"}, {"sku": "KIT", "name": "k", "kind": "bundle"}]');
select api.upsert_locations('[{"id": "W1"}, {"id": "W2"}]');
select api.set_default_policy('Q', policy => 'backorder'), api.set_bundle('KIT', '[{"sku": "A", "quantity": 1}, {"sku": "Q", "quantity": 1}]');
create function pg_temp.run(commands text) returns text[] language sql as $$ select test.outcomes(replace(commands, 'R-', '00000000-0000-0000-0000-0000000000')::jsonb) $$;
create function pg_temp.status(n integer) returns text language sql as $$ select r.status from inventory.reservation as r where r.id = ('00000000-0000-0000-0000-0000000000' || lpad(n::text, 2, '0'))::uuid $$;

-- One hold, one buyer.
select * from api.add_stock('Q', 'W1', 5);
select * from api.reserve_stock('Q', 'W1', 5, expires_in => '1200 milliseconds', reservation_id => '00000000-0000-0000-0000-000000000001');
select throws_ok($$ select * from api.reserve_stock('Q', 'W1', 1, partial => true) $$, 'IV001', null, 'before its deadline a hold holds');
select pg_sleep(1.24);
select is((select available || ' ' || status from api.get_stock_level('Q', 'W1')), '5 in_stock', 'after it a reader sees the stock');
select results_eq($$ select quantity, available, backordered, version from api.reserve_stock('Q', 'W1', 4) $$, $$ values (4::bigint, 1::bigint, 0::bigint, 4::bigint) $$, 'and a buyer gets it');
select is(test.movements('Q', 'W1'), '{receipt 5/0/0/0/0/0,reserve 0/5/0/0/0/0,expire 0/-5/0/0/0/0,reserve 0/4/0/0/0/0}', 'the ledger says that the hold ran out first');
select is(pg_temp.status(1), 'EXPIRED', 'it is expired');
select is((select m.reason || ' ' || m.source from inventory.stock_movement as m where m.type = 'expire'), 'hold expired expiry', 'and the ledger says why');
select is(pg_temp.run('[{"op": "confirm", "reservation_id": "R-01"}, {"op": "cancel", "reservation_id": "R-01"}, {"op": "extend", "reservation_id": "R-01", "expires_in_seconds": 5}, {"op": "relocate", "reservation_id": "R-01", "to": "W2"}, {"op": "expire", "reservation_id": "R-01"}]'),
    '{IV002,IV002,IV002,IV002,IV002}', 'nothing more becomes of it');

-- The command that finds it due is one on the reservation itself.
select * from api.reserve_stock('Q', 'W1', 1, expires_in => '80 milliseconds', reservation_id => '00000000-0000-0000-0000-000000000002');
select pg_sleep(0.12);
select throws_ok($$ select * from api.confirm_reservation('00000000-0000-0000-0000-000000000002') $$, 'IV002', null, 'it cannot be confirmed past its deadline');
select is((select on_hand || ' ' || reserved from api.get_stock_level('Q', 'W1')), '5 4', 'nothing of it is sold');
select is(pg_temp.run('[{"op": "expire", "reservation_id": "R-02"}]'), '{applied}', 'asked to expire it: it is done');
select is(pg_temp.status(2) || ' ' || (select r.version from inventory.reservation as r where r.id = '00000000-0000-0000-0000-000000000002'), 'EXPIRED 2', 'once');
select is(pg_temp.run('[{"op": "expire", "reservation_id": "R-02"}]'), '{IV002}', 'not again');

-- The sweeper, over plain and special holds and those of both.
select * from api.add_stock('A', 'W1', 5);
select * from api.add_stock('A', 'W2', 5);
select * from api.reserve_stock('A', 'W1', 1, expires_in => '1680 milliseconds', reservation_id => '00000000-0000-0000-0000-000000000003');
select * from api.reserve_stock('Q', 'W1', 1, expires_in => '1684 milliseconds', reservation_id => '00000000-0000-0000-0000-000000000004');
select * from api.reserve_stock('KIT', 'W1', 1, expires_in => '1688 milliseconds', reservation_id => '00000000-0000-0000-0000-000000000005');
select * from api.reserve_stock('A', 'W2', 1, expires_in => '1692 milliseconds', reservation_id => '00000000-0000-0000-0000-000000000006');
select * from api.reserve_stock('EBOOK', 'W2', 1, expires_in => '1696 milliseconds', reservation_id => '00000000-0000-0000-0000-000000000007');
select * from api.reserve_stock('A', 'W2', 1, reservation_id => '00000000-0000-0000-0000-000000000008');
select pg_sleep(1.72);
select is(api.expire_reservations(), 5, 'all that are due are expired, and counted');
select is(api.expire_reservations(), 0, 'once');
select is(pg_temp.status(3) || pg_temp.status(4) || pg_temp.status(5) || pg_temp.status(6) || pg_temp.status(7) || pg_temp.status(8), 'EXPIREDEXPIREDEXPIREDEXPIREDEXPIREDPENDING', 'none but those');
select is((select string_agg(distinct r.version::text, '') from inventory.reservation as r where r.status = 'EXPIRED'), '2', 'each was changed once');
select is(test.states('A', 'W1') || ', ' || test.states('A', 'W2'), '5/0/0/0/0/0 v5, 5/1/0/0/0/0 v4', 'and is free');

-- Compare-and-set on a row with a hold past its deadline: the version that a reader saw is good, for special commands too.
select * from api.reserve_stock('Q', 'W1', 1, expires_in => '80 milliseconds');
select pg_sleep(0.12);
create temporary table seen as select s.version from api.get_stock_level('Q', 'W1') as s;
select throws_ok($$ select * from api.quarantine_stock('Q', 'W1', 1, expected_version => (select s.version - 1 from seen as s)) $$, 'IV006', null, 'an older version is stale');
select is((select q.version - s.version from seen as s, api.quarantine_stock('Q', 'W1', 1, expected_version => s.version) as q), 2::bigint, 'the version that was read is not');
select * from api.restore_stock('Q', 'W1', 1);
select * from api.reserve_stock('A', 'W1', 1, expires_in => '80 milliseconds');
select pg_sleep(0.12);
truncate seen;
insert into seen select s.version from api.get_stock_level('A', 'W1') as s;
select is(test.outcomes(jsonb_build_array(jsonb_build_object('op', 'add', 'sku', 'A', 'location', 'W1', 'quantity', 1, 'expected_version', s.version), jsonb_build_object('op', 'return', 'sku', 'A', 'location', 'W1', 'quantity', 1, 'expected_version', s.version),
    jsonb_build_object('op', 'return', 'sku', 'A', 'location', 'W1', 'quantity', 1, 'expected_version', s.version + 2))), '{applied,IV006,applied}', 'in a mixed batch, for the first that comes') from seen as s;
select is((test.movements('A', 'W1')) [6:], '{reserve 0/1/0/0/0/0,expire 0/-1/0/0/0/0,receipt 1/0/0/0/0/0,return 1/0/0/0/0/0}', 'the hold was freed on the way');

-- At its deadline what a hold kept goes to who waits, also where one waits longer than another and some are due themselves.
select * from api.remove_stock('Q', 'W1', 1);
select is(test.level('Q', 'W1'), '4 4 0 out_of_stock v' || (select version from api.get_stock_level('Q', 'W1')), 'all of it is held');
select * from api.add_stock('Q', 'W1', 3);
select * from api.reserve_stock('Q', 'W1', 3, expires_in => '1600 milliseconds', reservation_id => '00000000-0000-0000-0000-000000000010');
select * from api.reserve_stock('Q', 'W1', 2, expires_in => '1600 milliseconds', reservation_id => '00000000-0000-0000-0000-000000000011');
select * from api.reserve_stock('Q', 'W1', 1, reservation_id => '00000000-0000-0000-0000-000000000012');
select * from api.reserve_stock('Q', 'W1', 4, reservation_id => '00000000-0000-0000-0000-000000000013');
select pg_sleep(1.64);
select is((select available || ' ' || reserved || ' ' || backordered from api.get_stock_level('Q', 'W1')), '3 4 5', 'a reader counts neither what was held nor who waited too long');
select is(pg_temp.run('[{"op": "confirm", "reservation_id": "R-12"}, {"op": "confirm", "reservation_id": "R-13"}, {"op": "cancel", "reservation_id": "R-11"}]'), '{applied,IV020,IV002}', 'who waits has it, when they come for it');
select is((select backordered from api.get_reservation('00000000-0000-0000-0000-000000000013')), 2::bigint, 'each in turn');

-- A transfer, a move, a relocation, a removal: all of them find what is due.
select api.upsert_items('[{"sku": "M", "name": "m"}]'), api.set_stock_policy('M', 'W1', policy => 'backorder');
select * from api.add_stock('M', 'W1', 12);
select count(*) from generate_series(1, 4) as n cross join lateral api.reserve_stock('M', 'W1', 3, expires_in => (200 * n || ' milliseconds')::interval);
select pg_sleep(0.22);
select is((select on_hand from api.remove_stock('M', 'W1', 3)), 9::bigint, 'removed');
select pg_sleep(0.2);
select is((select count(*) from api.move_stock('M', 'W1', 'W2', 3)), 2::bigint, 'moved');
select pg_sleep(0.2);
select is((select count(*) from api.ship_stock('W1', 'W2', 'M', 3)), 2::bigint, 'shipped');
select pg_sleep(0.2);
select is((select damaged from api.quarantine_stock('M', 'W1', 3)), 3::bigint, 'quarantined');
select is(test.states('M', 'W1'), '0/0/0/0/3/0 backorder v15', 'all of it');
select * from api.reserve_stock('M', 'W2', 3, expires_in => '80 milliseconds');
select * from api.restore_stock('M', 'W1', 3);
select * from api.reserve_stock('M', 'W1', 3, reservation_id => '00000000-0000-0000-0000-000000000020');
select pg_sleep(0.12);
select is((select location from api.relocate_reservation('00000000-0000-0000-0000-000000000020', 'W2')), 'W2', 'relocated');

-- A hold of several lines is freed line by line; the rest follows.
select * from api.add_stock('A', 'W2', 5);
select * from api.reserve_stock(reservation_id => '00000000-0000-0000-0000-000000000030', expires_in => '120 milliseconds', lines => '[{"sku": "M", "location": "W1", "quantity": 3}, {"sku": "A", "location": "W2", "quantity": 1}]');
select pg_sleep(0.16);
select lives_ok($$ select * from api.reserve_stock('M', 'W1', 2, reservation_id => '00000000-0000-0000-0000-000000000031') $$, 'one line is freed by whoever needs it');
select is(pg_temp.status(30), 'PENDING', 'the reservation still has a line');
select is(pg_temp.run('[{"op": "expire", "reservation_id": "R-30"}, {"op": "confirm", "reservation_id": "R-31"}]') || pg_temp.status(30), '{applied,applied,EXPIRED}', 'which is freed with the rest');
select is_empty('select * from test.broken_rules()', 'every invariant holds');
select * from finish();
rollback;
