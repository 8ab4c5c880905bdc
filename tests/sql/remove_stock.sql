-- api.remove_stock: takes available stock.
begin;
select plan(27);
select test.make_catalogue();
select * from api.add_stock('A', 'W1', 10);
select * from api.add_stock('OLD', 'W1', 10);
select * from api.add_stock('A', 'SHUT', 10);
select * from api.add_stock('B', 'W1', 1000000000000);
select test.close_catalogue();

select results_eq($$ select on_hand, reserved, available, status, version, replayed from api.remove_stock('A', 'W1', 1) $$,
    $$ values (9::bigint, 0::bigint, 9::bigint, 'in_stock', 2::bigint, false) $$, 'stock is taken');
select is(test.ledger('A', 'W1'), '{receipt 10 0 v1,removal -1 0 v2}', 'the ledger has it');
select * from api.reserve_stock('A', 'W1', 4);
select throws_ok($$ select * from api.remove_stock('A', 'W1', 6) $$, 'IV001', 'not enough stock is available', 'what is reserved is not taken');
select is(test.refusal($$ select * from api.remove_stock('A', 'W1', 6) $$), '{"code": "IV001", "sku": "A", "location": "W1", "requested": 6, "available": 5, "version": 3}'::jsonb, 'the detail says what there is');
select is((select available from api.remove_stock('A', 'W1', 5)), 0::bigint, 'all that is available may be taken');
select is(test.level('A', 'W1'), '4 4 0 out_of_stock v4', 'what is reserved is left');

select is((select available from api.remove_stock('B', 'W1', 1000000000000)), 0::bigint, '10^12 is taken');
select throws_ok($$ select * from api.remove_stock('B', 'W1', 1) $$, 'IV001', null, 'nothing is taken from nothing');
select throws_ok($$ select * from api.remove_stock('B', 'W2', 1) $$, 'IV001', null, 'nothing is taken where nothing ever was');
select is(test.level('B', 'W2'), null, 'and no stock level is made for it');
select throws_ok($$ select * from api.remove_stock('B', 'W1', 1000000000001) $$, 'IV012', null, '10^12 + 1 is refused');
select throws_ok($$ select * from api.remove_stock('B', 'W1', 0) $$, 'IV008', null, 'zero is refused');
select throws_ok($$ select * from api.remove_stock('B', 'W1', -1) $$, 'IV008', null, 'a negative quantity is refused');
select throws_ok($$ select * from api.remove_stock('B', 'W1', null) $$, 'IV008', null, 'no quantity is refused');
select throws_ok($$ select * from api.remove_stock('NONE', 'W1', 1) $$, 'IV003', null, 'an unknown sku is refused');
select throws_ok($$ select * from api.remove_stock('A', 'NONE', 1) $$, 'IV004', null, 'an unknown location is refused');
select lives_ok($$ select * from api.remove_stock('OLD', 'W1', 1) $$, 'an archived item may be taken away');
select lives_ok($$ select * from api.remove_stock('A', 'SHUT', 1) $$, 'a closed location may be emptied');

select throws_ok($$ select * from api.remove_stock('OLD', 'W1', 1, expected_version => 1) $$, 'IV006', null, 'an older version is refused');
select is((select version from api.remove_stock('OLD', 'W1', 1, expected_version => 2)), 3::bigint, 'the version that the row has is accepted');

select is((select replayed from api.remove_stock('OLD', 'W1', 1, idempotency_key => 'k')), false, 'a key that is new is applied');
select is((select replayed from api.remove_stock('OLD', 'W1', 1, idempotency_key => 'k')), true, 'the same request is replayed');
select throws_ok($$ select * from api.remove_stock('OLD', 'W1', 2, idempotency_key => 'k') $$, 'IV007', null, 'another request under the key is refused');
select is(test.level('OLD', 'W1'), '7 0 7 in_stock v4', 'it was applied once');

select * from api.set_stock_policy('A', 'W2', policy => 'oversell');
select results_eq($$ select on_hand, available, status from api.remove_stock('A', 'W2', 3) $$,
    $$ values (-3::bigint, -3::bigint, 'out_of_stock') $$, 'with the policy oversell more may be taken than there is');
select throws_ok($$ select * from api.remove_stock('A', 'W2', 999999999998) $$, 'IV012', null, 'but not below -10^12');

select is_empty('select * from test.broken_rules()', 'every invariant holds');
select * from finish();
rollback;
