-- api.adjust_stock: corrects stock by a signed delta, for a reason.
begin;
select plan(28);
select test.make_catalogue();
select * from api.add_stock('A', 'W1', 10);
select * from api.add_stock('OLD', 'W1', 10);
select * from api.add_stock('A', 'SHUT', 10);
select test.close_catalogue();

select results_eq($$ select on_hand, available, version, replayed from api.adjust_stock('A', 'W1', -3, reason => 'broken') $$,
    $$ values (7::bigint, 7::bigint, 2::bigint, false) $$, 'a negative delta takes');
select is((select on_hand from api.adjust_stock('A', 'W1', 1, reason => 'found')), 8::bigint, 'a positive delta adds');
select is(test.ledger('A', 'W1'), '{receipt 10 0 v1,adjustment -3 0 v2,adjustment 1 0 v3}', 'the ledger has both');
select is((select m.reason from inventory.stock_movement as m where m.type = 'adjustment' and m.version = 2), 'broken', 'with the reason');
select is((select on_hand from api.adjust_stock('A', 'W2', 4, reason => 'found')), 4::bigint, 'the first adjustment makes the stock level');

select throws_ok($$ select * from api.adjust_stock('A', 'W1', -1) $$, 'IV008', null, 'a reason is required');
select is(test.refusal($$ select * from api.adjust_stock('A', 'W1', -1) $$) ->> 'field', 'reason', 'and named when it is missing');
select throws_ok($$ select * from api.adjust_stock('A', 'W1', 0, reason => 'r') $$, 'IV008', null, 'zero is refused');
select throws_ok($$ select * from api.adjust_stock('A', 'W1', null, reason => 'r') $$, 'IV008', null, 'no delta is refused');
select throws_ok($$ select * from api.adjust_stock('A', 'W1', 1000000000001, reason => 'r') $$, 'IV012', null, '10^12 + 1 is refused');
select throws_ok($$ select * from api.adjust_stock('A', 'W1', -1000000000001, reason => 'r') $$, 'IV012', null, '-10^12 - 1 is refused');
select throws_ok($$ select * from api.adjust_stock('A', 'W1', 999999999993, reason => 'r') $$, 'IV012', null, 'a result above 10^12 is refused');
select lives_ok($$ select * from api.adjust_stock('A', 'W1', 999999999992, reason => 'r') $$, 'a result of 10^12 is taken');
select throws_ok($$ select * from api.adjust_stock('A', 'W1', -9223372036854775808, reason => 'r') $$, 'IV012', null, 'the smallest bigint is refused');
select throws_ok($$ select * from api.adjust_stock('A', 'W2', -5, reason => 'r') $$, 'IV001', null, 'below zero is refused');
select * from api.reserve_stock('A', 'W2', 3);
select throws_ok($$ select * from api.adjust_stock('A', 'W2', -2, reason => 'r') $$, 'IV001', null, 'below what is reserved is refused');
select lives_ok($$ select * from api.adjust_stock('A', 'W2', -1, reason => 'r') $$, 'down to what is reserved is taken');

select throws_ok($$ select * from api.adjust_stock('NONE', 'W1', 1, reason => 'r') $$, 'IV003', null, 'an unknown sku is refused');
select throws_ok($$ select * from api.adjust_stock('A', 'NONE', 1, reason => 'r') $$, 'IV004', null, 'an unknown location is refused');
select lives_ok($$ select * from api.adjust_stock('OLD', 'W1', -1, reason => 'r') $$, 'an archived item may be corrected');
select lives_ok($$ select * from api.adjust_stock('A', 'SHUT', 1, reason => 'r') $$, 'a closed location may be corrected');

select throws_ok($$ select * from api.adjust_stock('OLD', 'W1', 1, reason => 'r', expected_version => 1) $$, 'IV006', null, 'an older version is refused');
select is((select version from api.adjust_stock('OLD', 'W1', 1, reason => 'r', expected_version => 2)), 3::bigint, 'the version that the row has is accepted');
select is((select replayed from api.adjust_stock('OLD', 'W1', 1, reason => 'r', idempotency_key => 'k')), false, 'a key that is new is applied');
select is((select replayed from api.adjust_stock('OLD', 'W1', 1, reason => 'r', idempotency_key => 'k')), true, 'the same request is replayed');
select throws_ok($$ select * from api.adjust_stock('OLD', 'W1', 1, reason => 'other', idempotency_key => 'k') $$, 'IV007', null,
    'another reason is another request');
select is(test.level('OLD', 'W1'), '11 0 11 in_stock v4', 'it was applied once');

select is_empty('select * from test.broken_rules()', 'every invariant holds');
select * from finish();
rollback;
