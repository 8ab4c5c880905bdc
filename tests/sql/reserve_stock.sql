-- api.reserve_stock: holds stock until a deadline.
begin;
select plan(39);
select test.make_catalogue();
select * from api.add_stock('A', 'W1', 10);
select * from api.add_stock('B', 'W1', 10);
select * from api.add_stock('OLD', 'W1', 10);
select * from api.add_stock('A', 'SHUT', 10);
select test.close_catalogue();

select results_eq(
    $$ select status, sku, location, quantity, on_hand, reserved, available, version, replayed,
            expires_at - clock_timestamp() between interval '14 minutes 50 seconds' and interval '15 minutes'
        from api.reserve_stock('A', 'W1', 3) $$,
    $$ values ('PENDING', 'A', 'W1', 3::bigint, 10::bigint, 3::bigint, 7::bigint, 2::bigint, false, true) $$,
    'stock is held, for 15 minutes unless it is said');
select lives_ok($$ select * from api.reserve_stock('A', 'W1', 1, owner => 'cart-1', reference => 'order-1', expires_in => '1 hour',
    reservation_id => '00000000-0000-0000-0000-00000000000a') $$, 'an id may be chosen');
select results_eq(
    $$ select r.owner, r.reference, r.status, l.quantity, l.status, r.expires_at = l.expires_at
        from inventory.reservation as r join inventory.reservation_line as l on l.reservation_id = r.id
        where r.id = '00000000-0000-0000-0000-00000000000a' $$,
    $$ values ('cart-1', 'order-1', 'PENDING', 1::bigint, 'PENDING', true) $$, 'owner and reference are kept');
select is((select s.next_hold_at from inventory.stock_level as s where s.reserved = 4),
    (select min(l.expires_at) from inventory.reservation_line as l), 'next_hold_at is the first deadline');
select throws_ok($$ select * from api.reserve_stock('A', 'W1', 1, reservation_id => '00000000-0000-0000-0000-00000000000a') $$,
    'IV014', null, 'an id that is taken is refused');

-- Shortage and boundaries.
select throws_ok($$ select * from api.reserve_stock('A', 'W1', 7) $$, 'IV001', null, 'more than is available is refused');
select is(test.refusal($$ select * from api.reserve_stock('A', 'W1', 7) $$), '{"code": "IV001", "sku": "A", "location": "W1", "requested": 7, "available": 6, "version": 3}'::jsonb, 'the detail says what there is');
select is((select available from api.reserve_stock('A', 'W1', 6)), 0::bigint, 'all that is available may be held');
select throws_ok($$ select * from api.reserve_stock('A', 'W2', 1) $$, 'IV001', null, 'nothing is held where nothing ever was');
select throws_ok($$ select * from api.reserve_stock('B', 'W1', 1000000000000) $$, 'IV001', null, '10^12 is a quantity');
select throws_ok($$ select * from api.reserve_stock('B', 'W1', 1000000000001) $$, 'IV012', null, '10^12 + 1 is none');
select throws_ok($$ select * from api.reserve_stock('B', 'W1', 0) $$, 'IV008', null, 'zero is refused');
select throws_ok($$ select * from api.reserve_stock('B', 'W1', -1) $$, 'IV008', null, 'a negative quantity is refused');
select throws_ok($$ select * from api.reserve_stock('B', 'W1') $$, 'IV008', null, 'no quantity is refused');
select throws_ok($$ select * from api.reserve_stock() $$, 'IV008', null, 'nothing at all is refused');
select throws_ok($$ select * from api.reserve_stock('B', 'W1', 1, expires_in => '0') $$, 'IV008', null, 'a hold of no time is refused');
select throws_ok($$ select * from api.reserve_stock('B', 'W1', 1, expires_in => '-1 second') $$, 'IV008', null, 'a hold into the past is refused');
select throws_ok($$ select * from api.reserve_stock('B', 'W1', 1, expires_in => 'infinity') $$, 'IV008', null, 'an endless hold is refused');
select throws_ok($$ select * from api.reserve_stock('B', 'W1', 1, expires_in => '11 years') $$, 'IV008', null, 'a hold of 11 years is refused');

-- What does not exist, and what is closed.
select throws_ok($$ select * from api.reserve_stock('NONE', 'W1', 1) $$, 'IV003', null, 'an unknown sku is refused');
select throws_ok($$ select * from api.reserve_stock('B', 'NONE', 1) $$, 'IV004', null, 'an unknown location is refused');
select throws_ok($$ select * from api.reserve_stock('OLD', 'W1', 1) $$, 'IV010', null, 'an archived item is not held');
select throws_ok($$ select * from api.reserve_stock('A', 'SHUT', 1) $$, 'IV011', null, 'a closed location does not hold');

-- Several lines: all or nothing.
select * from api.add_stock('B', 'W2', 3);
select set_eq(
    $$ select sku, location, quantity, available from api.reserve_stock(reservation_id => '00000000-0000-0000-0000-00000000000b', lines =>
        '[{"sku": "B", "location": "W2", "quantity": 2}, {"sku": "B", "location": "W1", "quantity": 1}]') $$,
    $$ values ('B', 'W1', 1::bigint, 9::bigint), ('B', 'W2', 2::bigint, 1::bigint) $$, 'several lines are held by one reservation');
select * from api.cancel_reservation('00000000-0000-0000-0000-00000000000b');
select throws_ok($$ select * from api.reserve_stock(lines =>
    '[{"sku": "B", "location": "W1", "quantity": 2}, {"sku": "A", "location": "W1", "quantity": 1}]') $$, 'IV001', null,
    'one line that does not fit refuses all');
select is(test.level('B', 'W1'), '10 0 10 in_stock v3', 'and leaves the others alone');
select throws_ok($$ select * from api.reserve_stock(sku => 'B', lines => '[{"sku": "B", "location": "W1", "quantity": 2}]') $$, 'IV008', null,
    'lines and sku exclude each other');
select throws_ok($$ select * from api.reserve_stock(lines => '[]') $$, 'IV008', null, 'no line is refused');
select throws_ok($$ select * from api.reserve_stock(lines => '{}') $$, 'IV008', null, 'lines that are no array are refused');
select is(test.refusal($$ select * from api.reserve_stock(lines =>
    '[{"sku": "B", "location": "W1", "quantity": 2}, {"sku": "A", "location": "W1", "quantity": 1.5}]') $$) ->> 'field',
    'lines/1/quantity', 'the detail points to the line');

-- Compare-and-set.
select throws_ok($$ select * from api.reserve_stock('B', 'W1', 1, expected_version => 2) $$, 'IV006', null, 'a version that the row has not is refused');
select is((select version from api.reserve_stock('B', 'W1', 1, expected_version => 3)), 4::bigint, 'the version that the row has is accepted');
select throws_ok($$ select * from api.reserve_stock(expected_version => 2, lines =>
    '[{"sku": "B", "location": "W1", "quantity": 1}, {"sku": "A", "location": "W1", "quantity": 1}]') $$, 'IV008', null,
    'an expected version goes with one line');

-- Idempotency.
select lives_ok($$ create temporary table first_answer as select * from api.reserve_stock('B', 'W1', 2, idempotency_key => 'k') $$, 'a key that is new is applied');
select results_eq(
    $$ select reservation_id, status, expires_at, quantity, available, version, replayed from api.reserve_stock('B', 'W1', 2, idempotency_key => 'k') $$,
    $$ select reservation_id, status, expires_at, quantity, available, version, true from first_answer $$,
    'the same request is answered as before, with the same reservation');
select throws_ok($$ select * from api.reserve_stock('B', 'W1', 1, idempotency_key => 'k') $$, 'IV007', null, 'another request under the key is refused');
select is(test.level('B', 'W1'), '10 3 7 in_stock v5', 'it was applied once');

-- Overselling by policy.
select * from api.set_stock_policy('B', 'W2', policy => 'oversell');
select is((select available from api.reserve_stock('B', 'W2', 8)), -5::bigint, 'with the policy oversell more may be held than there is');

select is_empty('select * from test.broken_rules()', 'every invariant holds');
select * from finish();
rollback;
