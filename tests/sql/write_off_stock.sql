-- api.write_off_stock: removes damaged stock, or sellable stock, from the books for a stated reason.
begin;
select plan(24);
select test.make_catalogue();
select * from api.add_stock('A', 'W1', 10);
select * from api.quarantine_stock('A', 'W1', 4);
select * from api.add_stock('OLD', 'W1', 5);
select * from api.add_stock('A', 'SHUT', 5);
select test.close_catalogue();

select results_eq($$ select sku, location, type, quantity, on_hand, available, damaged, version, replayed
    from api.write_off_stock('A', 'W1', 3, reason_code => 'expired', reference => 'audit 1') $$,
    $$ values ('A', 'W1', 'write_off', 3::bigint, 6::bigint, 6::bigint, 1::bigint, 3::bigint, false) $$, 'damaged stock is written off');
select results_eq($$ select type, reason, reason_code, reference, damaged_delta, on_hand_delta from api.get_stock_history('A', 'W1', max_rows => 1) $$,
    $$ values ('write_off', null::text, 'expired', 'audit 1', -3::bigint, 0::bigint) $$, 'the ledger has the reason');
select throws_ok($$ select * from api.write_off_stock('A', 'W1', 2, reason => 'r') $$, 'IV001', null, 'no more than there is');
select is(test.refusal($$ select * from api.write_off_stock('A', 'W1', 2, reason => 'r') $$) ->> 'state', 'damaged', 'of what is damaged');
select is((select damaged from api.write_off_stock('A', 'W1', 1, state => 'damaged', reason => 'r')), 0::bigint, 'all of it may be');
select results_eq($$ select on_hand, available, damaged from api.write_off_stock('A', 'W1', 1, state => 'on_hand', reason => 'stolen', reason_code => 'theft') $$,
    $$ values (5::bigint, 5::bigint, 0::bigint) $$, 'or of what is on the shelf, if that is said');
select * from api.reserve_stock('A', 'W1', 4);
select throws_ok($$ select * from api.write_off_stock('A', 'W1', 2, state => 'on_hand', reason => 'r') $$, 'IV001', null, 'what is reserved is not written off');
select is((select available from api.write_off_stock('A', 'W1', 1, state => 'on_hand', reason => 'r')), 0::bigint, 'the rest may be');
select is(test.movements('A', 'W1'), '{receipt 10/0/0/0/0/0,quarantine -4/0/0/0/4/0,write_off 0/0/0/0/-3/0,write_off 0/0/0/0/-1/0,write_off -1/0/0/0/0/0,reserve 0/4/0/0/0/0,write_off -1/0/0/0/0/0}',
    'the ledger has each');

-- What may not be received may still be written off.
select is((select on_hand from api.write_off_stock('OLD', 'W1', 5, state => 'on_hand', reason => 'r')), 0::bigint, 'an archived item may be written off');
select is((select on_hand from api.write_off_stock('A', 'SHUT', 5, state => 'on_hand', reason => 'r')), 0::bigint, 'at a closed location too');

-- Reasons.
select throws_ok($$ select * from api.write_off_stock('A', 'W1', 1) $$, 'IV008', null, 'a reason is required');
select is(test.refusal($$ select * from api.write_off_stock('A', 'W1', 1) $$) ->> 'field', 'reason', 'the detail says so');
select * from api.upsert_reason('fire', 'Burnt');
select * from api.return_stock('B', 'W1', 5, state => 'damaged');
select lives_ok($$ select * from api.write_off_stock('B', 'W1', 1, reason_code => 'fire') $$, 'codes may be added');
select * from api.upsert_reason('fire', 'Burnt', false);
select throws_ok($$ select * from api.write_off_stock('B', 'W1', 1, reason_code => 'fire') $$, 'IV026', null, 'and taken out of use');
select is(test.refusal($$ select * from api.write_off_stock('B', 'W1', 1, reason_code => 'fire') $$), '{"code": "IV026", "reason_code": "fire"}', 'the detail has the code');

-- Compare-and-set and idempotency.
select throws_ok($$ select * from api.write_off_stock('B', 'W1', 1, reason => 'r', expected_version => 1) $$, 'IV006', null, 'a stale version is refused');
select is((select version from api.write_off_stock('B', 'W1', 1, reason => 'r', expected_version => 2, idempotency_key => 'w')), 3::bigint, 'the right one is taken');
select is((select replayed from api.write_off_stock('B', 'W1', 1, reason => 'r', expected_version => 2, idempotency_key => 'w')), true, 'once');
select throws_ok($$ select * from api.write_off_stock('B', 'W1', 1, reason => 'another', expected_version => 2, idempotency_key => 'w') $$, 'IV007', null,
    'another reason is another request');

select is(test.outcomes('[{"op": "write_off", "reason": "r", "lines": [{"sku": "B", "location": "W1", "quantity": 2}, {"sku": "B", "location": "W1", "quantity": 2}]},
    {"op": "write_off", "reason": "r", "lines": [{"sku": "B", "location": "W1", "quantity": 2}, {"sku": "B", "location": "W1", "quantity": 1}]}]'), '{IV001,applied}',
    'lines on one key are summed');
select is(test.states('B', 'W1'), '0/0/0/0/0/0 v4', 'before they are checked');
select is_empty($$ select * from test.unexpected('{
    "select * from api.write_off_stock(null, ''W1'', 1, reason => ''r'')": "IV008", "select * from api.write_off_stock(''A'', null, 1, reason => ''r'')": "IV008",
    "select * from api.write_off_stock(''A'', ''W1'', null, reason => ''r'')": "IV008", "select * from api.write_off_stock(''A'', ''W1'', 0, reason => ''r'')": "IV008",
    "select * from api.write_off_stock(''A'', ''W1'', -1, reason => ''r'')": "IV008", "select * from api.write_off_stock(''A'', ''W1'', 1000000000001, reason => ''r'')": "IV012",
    "select * from api.write_off_stock(''NONE'', ''W1'', 1, reason => ''r'')": "IV003", "select * from api.write_off_stock(''A'', ''NONE'', 1, reason => ''r'')": "IV004",
    "select * from api.write_off_stock(''A'', ''W2'', 1, reason => ''r'')": "IV001", "select * from api.write_off_stock(''A'', ''W1'', 1, reason => '''')": "IV008",
    "select * from api.write_off_stock(''A'', ''W1'', 1, reason_code => ''NONE'')": "IV026", "select * from api.write_off_stock(''A'', ''W1'', 1, reason => ''r'', state => ''reserved'')": "IV008",
    "select * from api.write_off_stock(''A'', ''W1'', 1, reason => ''r'', unit => ''BOX'')": "IV015", "select * from api.write_off_stock(''A'', ''W1'', 1, reason => ''r'', serials => ''{}'')": "IV008",
    "select * from api.write_off_stock(''A'', ''W1'', 1, reason => ''r'', serials => ''{S}'')": "IV023"}') $$, 'what is wrong is refused by its code, and changes nothing');
select is_empty('select * from test.broken_rules()', 'every invariant holds');
select * from finish();
rollback;
