-- api.return_stock: takes back what was sold, sellable or damaged.
begin;
select plan(26);
select test.make_catalogue();
select * from api.add_stock('A', 'W1', 10);
select * from api.remove_stock('A', 'W1', 4, reference => 'order 1');
select * from api.add_stock('OLD', 'W1', 1);
select * from api.add_stock('A', 'SHUT', 1);
select test.close_catalogue();

select results_eq($$ select sku, location, type, quantity, on_hand, available, damaged, status, version, replayed from api.return_stock('A', 'W1', 2) $$,
    $$ values ('A', 'W1', 'return', 2::bigint, 8::bigint, 8::bigint, 0::bigint, 'in_stock', 3::bigint, false) $$, 'what comes back is for sale again');
select results_eq($$ select on_hand, damaged, available from api.return_stock('A', 'W1', 1, state => 'damaged', reason => 'torn', reference => 'order 1', user_id => 'u') $$,
    $$ values (8::bigint, 1::bigint, 8::bigint) $$, 'or not, if it is damaged');
select results_eq($$ select on_hand, damaged from api.return_stock('A', 'W1', 1, state => 'on_hand') $$, $$ values (9::bigint, 1::bigint) $$, 'the state may be said');
select is(test.movements('A', 'W1'), '{receipt 10/0/0/0/0/0,removal -4/0/0/0/0/0,return 2/0/0/0/0/0,return 0/0/0/0/1/0,return 1/0/0/0/0/0}', 'the ledger has each');
select results_eq($$ select reason, reference, user_id, source from api.get_stock_history('A', 'W1') where damaged_delta = 1 $$,
    $$ values ('torn', 'order 1', 'u', 'sql') $$, 'with what was said about it');
select results_eq($$ select on_hand, version from api.return_stock('B', 'W2', 3) $$, $$ values (3::bigint, 1::bigint) $$, 'a place that never had any takes it back');
select is(test.movements('B', 'W2'), '{return 3/0/0/0/0/0}', 'its ledger begins with the return');

-- Compare-and-set.
select throws_ok($$ select * from api.return_stock('A', 'W1', 1, expected_version => 4) $$, 'IV006', null, 'a stale version is refused');
select is(test.refusal($$ select * from api.return_stock('A', 'W1', 1, expected_version => 4) $$), '{"code": "IV006", "sku": "A", "location": "W1", "version": 5}',
    'the detail has the version of now');
select is((select version from api.return_stock('A', 'W1', 1, expected_version => 5)), 6::bigint, 'the right one is taken');
select is((select version from api.return_stock('B', 'W1', 1, expected_version => 0)), 1::bigint, '0 means that there is no row yet');

-- Idempotency.
select is((select replayed from api.return_stock('A', 'W1', 1, idempotency_key => 'k')), false, 'a new key is applied');
select results_eq($$ select type, quantity, on_hand, version, replayed from api.return_stock('A', 'W1', 1, idempotency_key => 'k') $$,
    $$ values ('return', 1::bigint, 11::bigint, 7::bigint, true) $$, 'again: the answer of then');
select throws_ok($$ select * from api.return_stock('A', 'W1', 1, state => 'damaged', idempotency_key => 'k') $$, 'IV007', null, 'another state is another request');
select is(test.states('A', 'W1'), '11/0/0/0/1/0 v7', 'it was applied once');

-- Several lines in one command, summed by key.
select is(test.outcomes('[{"op": "return", "lines": [{"sku": "A", "location": "W1", "quantity": 1}, {"sku": "B", "location": "W1", "quantity": 1}, {"sku": "A", "location": "W1", "quantity": 2}]}]'),
    '{applied}', 'lines are returned together');
select is(test.states('A', 'W1') || ', ' || test.states('B', 'W1'), '14/0/0/0/1/0 v8, 2/0/0/0/0/0 v2', 'one movement for each key');
select is(test.outcomes('[{"op": "return", "lines": [{"sku": "A", "location": "W1", "quantity": 1}, {"sku": "NONE", "location": "W1", "quantity": 1}]}]'), '{IV003}',
    'or not at all');

-- Bounds.
select is((select damaged from api.return_stock('B', 'W1', 1000000000000, state => 'damaged')), 1000000000000, '10^12 fit');
select throws_ok($$ select * from api.return_stock('B', 'W1', 1, state => 'damaged') $$, 'IV012', null, 'and not one more');
select throws_ok($$ select * from api.return_stock('B', 'W1', 1000000000000) $$, 'IV012', null, 'in neither state');

select is_empty($$ select * from test.unexpected('{
    "select * from api.return_stock(null, ''W1'', 1)": "IV008", "select * from api.return_stock(''A'', null, 1)": "IV008",
    "select * from api.return_stock(''A'', ''W1'', null)": "IV008", "select * from api.return_stock(''A'', ''W1'', 0)": "IV008",
    "select * from api.return_stock(''A'', ''W1'', -1)": "IV008", "select * from api.return_stock(''A'', ''W1'', 1000000000001)": "IV012",
    "select * from api.return_stock(''A'', ''W1'', 9223372036854775807)": "IV012", "select * from api.return_stock('''', ''W1'', 1)": "IV003",
    "select * from api.return_stock(''NONE'', ''W1'', 1)": "IV003", "select * from api.return_stock(''A'', ''NONE'', 1)": "IV004",
    "select * from api.return_stock(''A'', ''W1'', 1, state => ''lost'')": "IV008", "select * from api.return_stock(''A'', ''W1'', 1, state => '''')": "IV008",
    "select * from api.return_stock(''A'', ''W1'', 1, unit => ''CASE'')": "IV015", "select * from api.return_stock(''A'', ''W1'', 1, unit => '''')": "IV008",
    "select * from api.return_stock(''A'', ''W1'', 1, lot => ''L'')": "IV023", "select * from api.return_stock(''A'', ''W1'', 1, serials => ''{S}'')": "IV023",
    "select * from api.return_stock(''OLD'', ''W1'', 1)": "IV010", "select * from api.return_stock(''A'', ''SHUT'', 1)": "IV011",
    "select * from api.return_stock(''A'', ''W1'', 1, expected_version => -1)": "IV008", "select * from api.return_stock(''A'', ''W1'', 1, idempotency_key => '''')": "IV008",
    "select * from api.return_stock(''A'', ''W1'', 1, reason => repeat(''r'', 501))": "IV008",
    "select * from api.return_stock(''A'', ''W1'', 1, occurred_at => ''infinity'')": "IV008"}') $$, 'what is wrong is refused by its code, and changes nothing');

-- What comes back goes to those who wait.
select * from api.set_stock_policy('A', 'W2', policy => 'backorder');
select * from api.reserve_stock('A', 'W2', 5);
select results_eq($$ select on_hand, reserved, available, backordered, version from api.return_stock('A', 'W2', 2) $$,
    $$ values (2::bigint, 2::bigint, 0::bigint, 3::bigint, 5::bigint) $$, 'a return goes to those who wait, and the answer says so');
select * from api.return_stock('A', 'W2', 2, state => 'damaged');
select is(test.states('A', 'W2'), '2/2/0/3/2/0 backorder v6', 'what is damaged does not');
select throws_ok($$ select * from api.apply_commands('[{"op": "return"}]', source => '') $$, 'IV008', null, 'an empty source is refused');

select is_empty('select * from test.broken_rules()', 'every invariant holds');
select * from finish();
rollback;
