-- f01: two lines name the same item; each fits by itself, the sum does not.
begin;
select plan(8);
select test.make_catalogue();
select * from api.add_stock('A', 'W1', 10);
select throws_ok($$ select * from api.reserve_stock(lines =>
    '[{"sku": "A", "location": "W1", "quantity": 6}, {"sku": "A", "location": "W1", "quantity": 6}]') $$, 'IV001', null,
    'demand is summed before the check');
select is(test.refusal($$ select * from api.reserve_stock(lines =>
    '[{"sku": "A", "location": "W1", "quantity": 6}, {"sku": "A", "location": "W1", "quantity": 6}]') $$) ->> 'requested', '12', 'the detail has the sum');
select results_eq($$ select sku, quantity, available from api.reserve_stock(lines =>
    '[{"sku": "A", "location": "W1", "quantity": 4}, {"sku": "A", "location": "W1", "quantity": 6}]') $$,
    $$ values ('A', 10::bigint, 0::bigint) $$, 'a sum that fits is one line');
select is(test.ledger('A', 'W1'), '{receipt 10 0 v1,reserve 0 10 v2}', 'and one movement');
select is(test.outcomes('[{"op": "add", "lines": [{"sku": "B", "location": "W1", "quantity": 1}, {"sku": "B", "location": "W1", "quantity": 2}]},
    {"op": "remove", "lines": [{"sku": "B", "location": "W1", "quantity": 2}, {"sku": "B", "location": "W1", "quantity": 2}]},
    {"op": "adjust", "reason": "r", "lines": [{"sku": "B", "location": "W1", "quantity": 5}, {"sku": "B", "location": "W1", "quantity": -7}]}]'),
    '{applied,IV001,applied}', 'also when it is received, taken and corrected');
select is(test.level('B', 'W1'), '1 0 1 in_stock v2', 'the sums are what counts');
select throws_ok($$ select * from api.reserve_stock(lines => (select jsonb_agg('{"sku": "A", "location": "W1", "quantity": 1000000000000}'::jsonb)
    from generate_series(1, 1000))) $$, 'IV012', null, 'a sum out of range is refused, not wrapped around');
select is_empty('select * from test.broken_rules()', 'every invariant holds');
select * from finish();
rollback;
