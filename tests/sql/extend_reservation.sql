-- api.extend_reservation: moves the deadline of a pending reservation (f09: an owner keeps what they hold).
begin;
select plan(29);
select test.make_catalogue();
select * from api.add_stock('A', 'W1', 5);
select * from api.add_stock('B', 'W1', 5);
select * from api.reserve_stock(owner => 'cart', reservation_id => '00000000-0000-0000-0000-000000000001', expires_in => '1200 milliseconds', lines =>
    '[{"sku": "A", "location": "W1", "quantity": 2}, {"sku": "B", "location": "W1", "quantity": 3}]');

select results_eq($$ select reservation_id, status, sku, location, quantity, reserved, available, version, replayed, expires_at - now() between '59 minutes' and '61 minutes'
    from api.extend_reservation('00000000-0000-0000-0000-000000000001', '1 hour', idempotency_key => 'e') order by sku $$,
    $$ values ('00000000-0000-0000-0000-000000000001'::uuid, 'PENDING', 'A', 'W1', 2::bigint, 2::bigint, 3::bigint, 3::bigint, false, true), ('00000000-0000-0000-0000-000000000001', 'PENDING', 'B', 'W1', 3, 3, 2, 3, false, true) $$,
    'the deadline moves, the quantities stay');
select is((select count(*) from api.extend_reservation('00000000-0000-0000-0000-000000000001', '1 hour', idempotency_key => 'e') as r where r.replayed), 2::bigint, 'a repeated request moves nothing');
select throws_ok($$ select * from api.extend_reservation('00000000-0000-0000-0000-000000000001', '2 hours', idempotency_key => 'e') $$, 'IV007', null, 'another deadline is another request');
select is(test.movements('A', 'W1'), '{receipt 5/0/0/0/0/0,reserve 0/2/0/0/0/0,extend 0/0/0/0/0/0}', 'the ledger says that something changed: readers see when a hold ends');
select is((select m.reservation_id from inventory.stock_movement as m where m.type = 'extend' limit 1), '00000000-0000-0000-0000-000000000001', 'and whose');
select is((select count(distinct e.at) from (select r.expires_at as at from inventory.reservation as r union all select l.expires_at from inventory.reservation_line as l
    union all select s.next_hold_at from inventory.stock_level as s) as e), 1::bigint, 'header, lines and levels agree');
select is((select r.version from inventory.reservation as r), 2::bigint, 'the reservation has a new version');
select pg_sleep(1.24);
select throws_ok($$ select * from api.reserve_stock('A', 'W1', 4) $$, 'IV001', null, 'past the old deadline it still holds');
select is(api.expire_reservations(), 0, 'and is not expired');
select lives_ok($$ select * from api.extend_reservation('00000000-0000-0000-0000-000000000001', '120 milliseconds') $$, 'the deadline may come nearer');
select pg_sleep(0.16);
select is((select available from api.get_stock_level('A', 'W1')), 5::bigint, 'then it ends sooner');
select throws_ok($$ select * from api.extend_reservation('00000000-0000-0000-0000-000000000001') $$, 'IV002', null, 'what has ended is not extended');
select is(test.refusal($$ select * from api.extend_reservation('00000000-0000-0000-0000-000000000001') $$) ->> 'status', 'EXPIRED', 'the detail says so') ;
select is(test.outcomes('[{"op": "extend", "reservation_id": "00000000-0000-0000-0000-000000000001", "expires_in_seconds": 60}]'), '{IV002}', 'also in a batch');
select is((select r.status from inventory.reservation as r), 'EXPIRED', 'and that frees it');

-- With an instant, and with others on the level.
select * from api.reserve_stock('A', 'W1', 1, expires_in => '1 hour');
select * from api.reserve_stock('A', 'W1', 1, expires_in => '2 hours', reservation_id => '00000000-0000-0000-0000-000000000002');
select is(test.outcomes(jsonb_build_array(jsonb_build_object('op', 'extend', 'reservation_id', '00000000-0000-0000-0000-000000000002', 'expires_at', now() + '3 hours'))), '{applied}', 'to an instant');
select is((select r.expires_at from inventory.reservation as r where r.id = '00000000-0000-0000-0000-000000000002'), now() + '3 hours', 'to the microsecond');
select is((select s.next_hold_at = (select min(l.expires_at) from inventory.reservation_line as l where l.status = 'PENDING') from inventory.stock_level as s join inventory.item as i on i.id = s.item_id where i.sku = 'A'), true,
    'the first deadline of a level is that of another');
select is((select a.answer ->> 'status' || ' ' || (a.answer ? 'expires_at') from api.apply_commands('[{"op": "extend", "reservation_id": "00000000-0000-0000-0000-000000000002", "expires_in_seconds": 0.5}]') as a), 'PENDING true', 'the answer has status and deadline');

-- In one batch: reserved, extended, confirmed.
select is(test.outcomes('[{"op": "reserve", "sku": "B", "location": "W1", "quantity": 1, "reservation_id": "00000000-0000-0000-0000-000000000003", "expires_in_seconds": 60},
    {"op": "extend", "reservation_id": "00000000-0000-0000-0000-000000000003", "expires_in_seconds": 600}, {"op": "add", "sku": "B", "location": "W1", "quantity": 1},
    {"op": "confirm", "reservation_id": "00000000-0000-0000-0000-000000000003"}, {"op": "extend", "reservation_id": "00000000-0000-0000-0000-000000000003", "expires_in_seconds": 600}]'),
    '{applied,applied,applied,applied,IV009}', 'in order');
select is((select r.expires_at - r.created_at > '9 minutes' from inventory.reservation as r where r.id = '00000000-0000-0000-0000-000000000003'), true, 'the second deadline was in force');

-- What is not pending.
select * from api.reserve_stock('B', 'W1', 1, reservation_id => '00000000-0000-0000-0000-000000000004');
select * from api.cancel_reservation('00000000-0000-0000-0000-000000000004');
select throws_ok($$ select * from api.extend_reservation('00000000-0000-0000-0000-000000000003') $$, 'IV009', null, 'a sale has no deadline');
select throws_ok($$ select * from api.extend_reservation('00000000-0000-0000-0000-000000000004') $$, 'IV009', null, 'nor has what was cancelled');
select is(test.refusal($$ select * from api.extend_reservation('00000000-0000-0000-0000-000000000003') $$) ->> 'status', 'COMMITTED', 'the detail has the status');

-- Archived and closed since: what is held stays held.
select * from api.add_stock('OLD', 'SHUT', 2);
select * from api.reserve_stock('OLD', 'SHUT', 1, reservation_id => '00000000-0000-0000-0000-000000000005');
select test.close_catalogue();
select lives_ok($$ select * from api.extend_reservation('00000000-0000-0000-0000-000000000005', '1 day') $$, 'a hold on what was archived at what was closed may be extended');
select lives_ok($$ select * from api.confirm_reservation('00000000-0000-0000-0000-000000000005') $$, 'and confirmed');

select * from api.reserve_stock('B', 'W1', 1, reservation_id => '00000000-0000-0000-0000-000000000006');
select is_empty($$ select * from test.unexpected('{
    "select * from api.extend_reservation(null)": "IV008", "select * from api.extend_reservation(''00000000-0000-0000-0000-0000000000ff'')": "IV005",
    "select * from api.extend_reservation(''00000000-0000-0000-0000-000000000006'', null)": "IV008", "select * from api.extend_reservation(''00000000-0000-0000-0000-000000000006'', ''0'')": "IV008",
    "select * from api.extend_reservation(''00000000-0000-0000-0000-000000000006'', ''-1 minute'')": "IV008", "select * from api.extend_reservation(''00000000-0000-0000-0000-000000000006'', ''infinity'')": "IV008",
    "select * from api.extend_reservation(''00000000-0000-0000-0000-000000000006'', ''11 years'')": "IV008", "select * from api.extend_reservation(''00000000-0000-0000-0000-000000000006'', ''0.0001 seconds'')": "IV008"}') $$,
    'what is wrong is refused by its code, and changes nothing');
select is(test.outcomes('[{"op": "extend"}, {"op": "extend", "reservation_id": "x", "expires_in_seconds": 5}, {"op": "extend", "reservation_id": "00000000-0000-0000-0000-000000000006"},
    {"op": "extend", "reservation_id": "00000000-0000-0000-0000-000000000006", "expires_at": "2001-01-01T00:00:00Z"}, {"op": "extend", "reservation_id": "00000000-0000-0000-0000-000000000006", "expires_at": 5},
    {"op": "extend", "reservation_id": "00000000-0000-0000-0000-000000000006", "expires_in_seconds": null}, {"op": "extend", "reservation_id": "00000000-0000-0000-0000-000000000006", "expires_in_seconds": 5, "quantity": 1},
    {"op": "extend", "reservation_id": "00000000-0000-0000-0000-000000000006", "expires_in_seconds": 5, "expected_version": -1}, {"op": "extend", "reservation_id": null, "expires_in_seconds": 5}]'),
    '{IV008,IV008,IV008,IV008,IV008,IV008,IV008,IV008,IV008}', 'malformed commands are refused');
select is_empty('select * from test.broken_rules()', 'every invariant holds');
select * from finish();
rollback;
