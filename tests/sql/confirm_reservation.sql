-- api.confirm_reservation: a hold becomes a sale.
begin;
select plan(19);
select test.make_catalogue();
select * from api.add_stock('A', 'W1', 10);
select * from api.add_stock('B', 'W1', 10);
select * from api.reserve_stock('A', 'W1', 3, reservation_id => '00000000-0000-0000-0000-000000000001');
select * from api.reserve_stock(reservation_id => '00000000-0000-0000-0000-000000000002', lines =>
    '[{"sku": "A", "location": "W1", "quantity": 2}, {"sku": "B", "location": "W1", "quantity": 4}]');
select * from api.reserve_stock('A', 'W1', 1, reservation_id => '00000000-0000-0000-0000-000000000003');
select * from api.reserve_stock('A', 'W1', 1, expires_in => '1600 milliseconds', reservation_id => '00000000-0000-0000-0000-000000000004');

select results_eq(
    $$ select status, sku, location, quantity, on_hand, reserved, available, version, replayed
        from api.confirm_reservation('00000000-0000-0000-0000-000000000001', reason => 'paid', idempotency_key => 'k') $$,
    $$ values ('COMMITTED', 'A', 'W1', 3::bigint, 7::bigint, 4::bigint, 3::bigint, 6::bigint, false) $$, 'the stock leaves');
select results_eq($$ select r.status, l.status as line_status from inventory.reservation as r join inventory.reservation_line as l on l.reservation_id = r.id
        where r.id = '00000000-0000-0000-0000-000000000001' $$, $$ values ('COMMITTED', 'COMMITTED') $$, 'the reservation and its line say so');
select results_eq($$ select m.type, m.on_hand_delta, m.reserved_delta, m.reason, m.reservation_id from inventory.stock_movement as m where m.type = 'commit' $$,
    $$ values ('commit', -3::bigint, -3::bigint, 'paid', '00000000-0000-0000-0000-000000000001'::uuid) $$, 'the ledger has it with the reservation');

select is((select replayed from api.confirm_reservation('00000000-0000-0000-0000-000000000001', reason => 'paid', idempotency_key => 'k')), true,
    'the same request is replayed');
select throws_ok($$ select * from api.confirm_reservation('00000000-0000-0000-0000-000000000002', idempotency_key => 'k') $$, 'IV007', null,
    'another request under the key is refused');
select throws_ok($$ select * from api.confirm_reservation('00000000-0000-0000-0000-000000000001') $$, 'IV009', null, 'a second confirmation is refused');
select is(test.refusal($$ select * from api.confirm_reservation('00000000-0000-0000-0000-000000000001') $$) ->> 'status', 'COMMITTED',
    'the detail has the status');
select throws_ok($$ select * from api.cancel_reservation('00000000-0000-0000-0000-000000000001') $$, 'IV009', null, 'what is sold is not cancelled');

select set_eq($$ select sku, quantity, on_hand, reserved from api.confirm_reservation('00000000-0000-0000-0000-000000000002') $$,
    $$ values ('A', 2::bigint, 5::bigint, 2::bigint), ('B', 4::bigint, 6::bigint, 0::bigint) $$, 'all lines are confirmed at once');
select is((select s.next_hold_at from inventory.stock_level as s join inventory.item as i on i.id = s.item_id where i.sku = 'B'), null,
    'next_hold_at is empty when nothing is held');

select throws_ok($$ select * from api.confirm_reservation('00000000-0000-0000-0000-0000000000ff') $$, 'IV005', 'no reservation has this id',
    'an unknown reservation is refused');
select throws_ok($$ select * from api.confirm_reservation(null) $$, 'IV008', null, 'no id is refused');
select throws_ok($$ select * from api.confirm_reservation('00000000-0000-0000-0000-000000000003', idempotency_key => '') $$, 'IV008', null,
    'an empty idempotency key is refused');
select throws_ok($$ select * from api.confirm_reservation('00000000-0000-0000-0000-000000000003', user_id => repeat('u', 201)) $$, 'IV008', null,
    'a user id of 201 characters is refused');

-- From the instant of its deadline on, whether or not anybody wrote that down.
select pg_sleep(1.6);
select throws_ok($$ select * from api.confirm_reservation('00000000-0000-0000-0000-000000000004') $$, 'IV002', 'the reservation has expired',
    'a hold past its deadline is not confirmed');
select api.expire_reservations();
select throws_ok($$ select * from api.confirm_reservation('00000000-0000-0000-0000-000000000004') $$, 'IV002', null, 'nor when that is written');

-- Archived and closed since: what is held may still be sold.
select api.upsert_item('A', status => 'archived');
select api.upsert_location('W1', status => 'closed');
select lives_ok($$ select * from api.confirm_reservation('00000000-0000-0000-0000-000000000003') $$, 'a hold outlives the archiving of its item');
select is(test.level('A', 'W1'), '4 0 4 in_stock v9', 'the level is what was not sold');

select is_empty('select * from test.broken_rules()', 'every invariant holds');
select * from finish();
rollback;
