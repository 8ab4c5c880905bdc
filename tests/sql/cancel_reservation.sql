-- api.cancel_reservation: gives back what a hold keeps.
begin;
select plan(14);
select test.make_catalogue();
select * from api.add_stock('A', 'W1', 10);
select * from api.add_stock('B', 'W1', 10);
select * from api.reserve_stock(reservation_id => '00000000-0000-0000-0000-000000000001', expires_in => '1 minute', lines =>
    '[{"sku": "A", "location": "W1", "quantity": 2}, {"sku": "B", "location": "W1", "quantity": 4}]');
select * from api.reserve_stock('A', 'W1', 1, reservation_id => '00000000-0000-0000-0000-000000000002');
select * from api.reserve_stock('A', 'W1', 1, expires_in => '1600 milliseconds', reservation_id => '00000000-0000-0000-0000-000000000003');

select set_eq(
    $$ select status, sku, location, quantity, on_hand, reserved, available, replayed
        from api.cancel_reservation('00000000-0000-0000-0000-000000000001', reason => 'changed my mind', idempotency_key => 'k') $$,
    $$ values ('RELEASED', 'A', 'W1', 2::bigint, 10::bigint, 2::bigint, 8::bigint, false),
        ('RELEASED', 'B', 'W1', 4::bigint, 10::bigint, 0::bigint, 10::bigint, false) $$, 'all lines are given back');
select set_eq($$ select r.status, l.status as line_status from inventory.reservation as r join inventory.reservation_line as l on l.reservation_id = r.id
        where r.id = '00000000-0000-0000-0000-000000000001' $$, $$ values ('RELEASED', 'RELEASED') $$, 'the reservation and its lines say so');
select is((select count(*) from api.cancel_reservation('00000000-0000-0000-0000-000000000001', reason => 'changed my mind', idempotency_key => 'k')
    where replayed), 2::bigint, 'the same request is replayed');
select throws_ok($$ select * from api.cancel_reservation('00000000-0000-0000-0000-000000000002', idempotency_key => 'k') $$, 'IV007', null,
    'another request under the key is refused');
select throws_ok($$ select * from api.cancel_reservation('00000000-0000-0000-0000-000000000001') $$, 'IV009', null, 'a second cancellation is refused');
select throws_ok($$ select * from api.confirm_reservation('00000000-0000-0000-0000-000000000001') $$, 'IV009', null, 'what is cancelled is not sold');
select throws_ok($$ select * from api.cancel_reservation('00000000-0000-0000-0000-0000000000ff') $$, 'IV005', null, 'an unknown reservation is refused');
select throws_ok($$ select * from api.cancel_reservation(null) $$, 'IV008', null, 'no id is refused');
select pg_sleep(1.6);
select throws_ok($$ select * from api.cancel_reservation('00000000-0000-0000-0000-000000000003') $$, 'IV002', null, 'a hold past its deadline holds nothing to cancel');
select lives_ok($$ select * from api.cancel_reservation('00000000-0000-0000-0000-000000000002') $$, 'a cancellation frees what is due beside it');
select is(test.level('A', 'W1'), '10 0 10 in_stock v7', 'all is available again');
select is((select s.next_hold_at from inventory.stock_level as s join inventory.item as i on i.id = s.item_id where i.sku = 'A'), null,
    'next_hold_at is empty when nothing is held');
select is(test.ledger('A', 'W1'), '{receipt 10 0 v1,reserve 0 2 v2,reserve 0 1 v3,reserve 0 1 v4,release 0 -2 v5,expire 0 -1 v6,release 0 -1 v7}',
    'the ledger has every step');

select is_empty('select * from test.broken_rules()', 'every invariant holds');
select * from finish();
rollback;
