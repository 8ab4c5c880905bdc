-- api.move_stock: moves available stock between locations.
begin;
select plan(29);
select test.make_catalogue();
select * from api.add_stock('A', 'W1', 10);
select * from api.add_stock('B', 'W1', 1000000000000);
select * from api.add_stock('B', 'W2', 1);
select * from api.add_stock('OLD', 'W1', 10);
select * from api.add_stock('A', 'SHUT', 10);
select test.close_catalogue();

select results_eq($$ select location, on_hand, available, version, replayed from api.move_stock('A', 'W1', 'W2', 4) order by location $$,
    $$ values ('W1', 6::bigint, 6::bigint, 2::bigint, false), ('W2', 4::bigint, 4::bigint, 1::bigint, false) $$, 'both ends are answered');
select is(test.ledger('A', 'W1'), '{receipt 10 0 v1,transfer_out -4 0 v2}', 'the ledger has what left');
select is(test.ledger('A', 'W2'), '{transfer_in 4 0 v1}', 'and what arrived');
select * from api.reserve_stock('A', 'W1', 5);
select throws_ok($$ select * from api.move_stock('A', 'W1', 'W2', 2) $$, 'IV001', null, 'what is reserved is not moved');
select is(test.refusal($$ select * from api.move_stock('A', 'W1', 'W2', 2) $$) -> 'available', '1', 'the detail says what there is');
select is(test.refusal($$ select * from api.move_stock('A', 'W1', 'W2', 2) $$) ->> 'location', 'W1', 'and where');
select lives_ok($$ select * from api.move_stock('A', 'W1', 'W2', 1) $$, 'all that is available may be moved');
select is(test.level('A', 'W1') || ', ' || test.level('A', 'W2'), '5 5 0 out_of_stock v4, 5 0 5 in_stock v2', 'nothing is lost');

select throws_ok($$ select * from api.move_stock('B', 'W1', 'W2', 1000000000000) $$, 'IV012', null, 'a destination above 10^12 is refused');
select is(test.level('B', 'W1'), '1000000000000 0 1000000000000 in_stock v1', 'and nothing left the origin');
select lives_ok($$ select * from api.move_stock('B', 'W1', 'W2', 999999999999) $$, 'a destination of 10^12 is taken');
select throws_ok($$ select * from api.move_stock('A', 'W2', 'W1', 1000000000001) $$, 'IV012', null, '10^12 + 1 is refused');
select throws_ok($$ select * from api.move_stock('A', 'W2', 'W1', 0) $$, 'IV008', null, 'zero is refused');
select throws_ok($$ select * from api.move_stock('A', 'W2', 'W1', -1) $$, 'IV008', null, 'a negative quantity is refused');
select throws_ok($$ select * from api.move_stock('A', 'W2', 'W1', null) $$, 'IV008', null, 'no quantity is refused');
select throws_ok($$ select * from api.move_stock('A', 'W2', 'W2', 1) $$, 'IV008', null, 'a move to the same place is refused');
select throws_ok($$ select * from api.move_stock('A', null, 'W2', 1) $$, 'IV008', null, 'no origin is refused');
select throws_ok($$ select * from api.move_stock('A', 'W2', null, 1) $$, 'IV008', null, 'no destination is refused');
select throws_ok($$ select * from api.move_stock('NONE', 'W1', 'W2', 1) $$, 'IV003', null, 'an unknown sku is refused');
select throws_ok($$ select * from api.move_stock('A', 'NONE', 'W2', 1) $$, 'IV004', null, 'an unknown origin is refused');
select throws_ok($$ select * from api.move_stock('A', 'W2', 'NONE', 1) $$, 'IV004', null, 'an unknown destination is refused');
select throws_ok($$ select * from api.move_stock('A', 'W2', 'SHUT', 1) $$, 'IV011', null, 'a closed destination is refused');
select lives_ok($$ select * from api.move_stock('A', 'SHUT', 'W2', 1) $$, 'a closed origin may be emptied');
select throws_ok($$ select * from api.move_stock('OLD', 'W1', 'W2', 1) $$, 'IV010', null, 'an archived item is not received elsewhere');
select is(test.level('OLD', 'W1'), '10 0 10 in_stock v1', 'and does not leave where it is');

select is((select count(*) from api.move_stock('A', 'W2', 'W1', 1, idempotency_key => 'k') where not replayed), 2::bigint, 'a key that is new is applied');
select is((select count(*) from api.move_stock('A', 'W2', 'W1', 1, idempotency_key => 'k') where replayed), 2::bigint, 'the same request is replayed');
select throws_ok($$ select * from api.move_stock('A', 'W2', 'W1', 2, idempotency_key => 'k') $$, 'IV007', null, 'another request under the key is refused');

select is_empty('select * from test.broken_rules()', 'every invariant holds');
select * from finish();
rollback;
