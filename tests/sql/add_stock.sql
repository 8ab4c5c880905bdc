-- api.add_stock: receives stock.
begin;
select plan(43);
select test.make_catalogue();

-- Happy path: the first receipt makes the row, the next one adds to it.
select results_eq(
    $$ select sku, location, on_hand, reserved, available, status, version, replayed from api.add_stock('A', 'W1', 5) $$,
    $$ values ('A', 'W1', 5::bigint, 0::bigint, 5::bigint, 'in_stock', 1::bigint, false) $$,
    'the first receipt makes the stock level');
select lives_ok($$ select * from api.add_stock(sku => 'A', location => 'W1', quantity => 2, reason => 'delivery', reference => 'PO-1',
    correlation_id => 'c-1', user_id => 'u-1', source => 'test', occurred_at => '2020-01-02 03:04:05+00', traceparent => '00-a-b-01') $$,
    'all named arguments are taken');
select is(test.level('A', 'W1'), '7 0 7 in_stock v2', 'a receipt adds to the stock level');
select results_eq(
    $$ select m.type, m.on_hand_delta, m.on_hand, m.reason, m.reference, m.correlation_id, m.user_id, m.source, m.occurred_at,
            m.recorded_at > m.occurred_at, m.traceparent
        from inventory.stock_movement as m where m.version = 2 $$,
    $$ values ('receipt', 2::bigint, 7::bigint, 'delivery', 'PO-1', 'c-1', 'u-1', 'test', '2020-01-02 03:04:05+00'::timestamptz,
        true, '00-a-b-01') $$,
    'the ledger has what was said about it');
select is((select m.source from inventory.stock_movement as m where m.version = 1), 'sql', 'the source is sql unless it is given');

-- Boundary quantities.
select lives_ok($$ select * from api.add_stock('B', 'W1', 1) $$, 'one unit is taken');
select throws_ok($$ select * from api.add_stock('B', 'W1', 1000000000000) $$, 'IV012', null, 'a sum above 10^12 is refused');
select lives_ok($$ select * from api.add_stock('B', 'W1', 999999999999) $$, 'a sum of 10^12 is taken');
select lives_ok($$ select * from api.add_stock('B', 'W2', 1000000000000) $$, '10^12 at once is taken');
select throws_ok($$ select * from api.add_stock('A', 'W2', 1000000000001) $$, 'IV012', null, '10^12 + 1 is refused');
select throws_ok($$ select * from api.add_stock('A', 'W2', 9223372036854775807) $$, 'IV012', null, 'the largest bigint is refused');
select throws_ok($$ select * from api.add_stock('A', 'W2', 0) $$, 'IV008', null, 'zero is refused');
select throws_ok($$ select * from api.add_stock('A', 'W2', -1) $$, 'IV008', null, 'a negative quantity is refused');
select throws_ok($$ select * from api.add_stock('A', 'W2', null) $$, 'IV008', null, 'no quantity is refused');

-- Arguments.
select throws_ok($$ select * from api.add_stock(null, 'W1', 1) $$, 'IV008', null, 'no sku is refused');
select throws_ok($$ select * from api.add_stock('A', null, 1) $$, 'IV008', null, 'no location is refused');
select throws_ok($$ select * from api.add_stock('A', 'W1', 1, idempotency_key => repeat('k', 201)) $$, 'IV008', null,
    'an idempotency key of 201 characters is refused');
select throws_ok($$ select * from api.add_stock('A', 'W1', 1, idempotency_key => '') $$, 'IV008', null, 'an empty idempotency key is refused');
select throws_ok($$ select * from api.add_stock('A', 'W1', 1, reason => repeat('r', 501)) $$, 'IV008', null, 'a reason of 501 characters is refused');
select throws_ok($$ select * from api.add_stock('A', 'W1', 1, source => repeat('s', 101)) $$, 'IV008', null, 'a source of 101 characters is refused');
select throws_ok($$ select * from api.add_stock('A', 'W1', 1, occurred_at => 'infinity') $$, 'IV008', null, 'an endless occurred_at is refused');
select throws_ok($$ select * from api.add_stock('A', 'W1', 1, expected_version => -1) $$, 'IV008', null, 'a negative expected version is refused');

-- What does not exist, and what is closed.
select throws_ok($$ select * from api.add_stock('NONE', 'W1', 1) $$, 'IV003', 'no item has this sku', 'an unknown sku is refused');
select throws_ok($$ select * from api.add_stock('a', 'W1', 1) $$, 'IV003', null, 'a sku is case-sensitive');
select throws_ok($$ select * from api.add_stock('A', 'NONE', 1) $$, 'IV004', 'no location has this id', 'an unknown location is refused');
select test.close_catalogue();
select throws_ok($$ select * from api.add_stock('OLD', 'W1', 1) $$, 'IV010', null, 'an archived item is not received');
select throws_ok($$ select * from api.add_stock('A', 'SHUT', 1) $$, 'IV011', null, 'a closed location does not receive');
select is(test.refusal($$ select * from api.add_stock('NONE', 'W1', 3) $$),
    '{"code": "IV003", "sku": "NONE", "location": "W1", "requested": 3}'::jsonb, 'the detail names the line');

-- Compare-and-set.
select throws_ok($$ select * from api.add_stock('A', 'W1', 1, expected_version => 1) $$, 'IV006', null, 'an older version is refused');
select throws_ok($$ select * from api.add_stock('A', 'W1', 1, expected_version => 3) $$, 'IV006', null, 'a version that is not there yet is refused');
select is((select version from api.add_stock('A', 'W1', 1, expected_version => 2)), 3::bigint, 'the version that the row has is accepted');
select throws_ok($$ select * from api.add_stock('A', 'W1', 1, expected_version => 0) $$, 'IV006', null, '0 is refused where a row exists');
select is((select version from api.add_stock('A', 'W2', 1, expected_version => 0)), 1::bigint, '0 is accepted where no row exists');
select is(test.refusal($$ select * from api.add_stock('A', 'W1', 1, expected_version => 1) $$) ->> 'version', '3',
    'the detail has the version that the row has');

-- Idempotency.
select results_eq($$ select on_hand, version, replayed from api.add_stock('A', 'W1', 2, idempotency_key => 'k1') $$,
    $$ values (10::bigint, 4::bigint, false) $$, 'a key that is new is applied');
select results_eq($$ select on_hand, version, replayed from api.add_stock('A', 'W1', 2, idempotency_key => 'k1') $$,
    $$ values (10::bigint, 4::bigint, true) $$, 'the same request is answered as before');
select results_eq($$ select on_hand, replayed from api.add_stock('A', 'W1', 2, idempotency_key => 'k1', traceparent => 't2', correlation_id => 'c2') $$,
    $$ values (10::bigint, true) $$, 'trace and correlation may differ in a retry');
select throws_ok($$ select * from api.add_stock('A', 'W1', 3, idempotency_key => 'k1') $$, 'IV007', null, 'another request under the key is refused');
select throws_ok($$ select * from api.remove_stock('A', 'W1', 2, idempotency_key => 'k1') $$, 'IV007', null, 'another operation under the key is refused');
select throws_ok($$ select * from api.add_stock('NONE', 'W1', 1, idempotency_key => 'k2') $$, 'IV003', null, 'a refusal under a key');
select lives_ok($$ select * from api.add_stock('A', 'W1', 1, idempotency_key => 'k2') $$, 'does not use the key up');
select is(test.level('A', 'W1'), '11 0 11 in_stock v5', 'refusals and replays changed nothing');

select is_empty('select * from test.broken_rules()', 'every invariant holds');
select * from finish();
rollback;
