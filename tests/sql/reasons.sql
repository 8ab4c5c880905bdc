-- Reason codes: api.list_reasons, api.upsert_reason, and reason_code in commands.
begin;
select plan(30);
select test.make_catalogue();
select * from api.add_stock('A', 'W1', 50);

select set_eq($$ select code from api.list_reasons() $$, array['correction', 'count_variance', 'damaged', 'expired', 'found', 'lost', 'lost_in_transit', 'promotion', 'recalled', 'sample', 'theft', 'internal_use'],
    'the usual ones are there');
select results_eq($$ select code from api.list_reasons() $$, $$ select code from api.list_reasons() order by code $$, 'in order');
select results_eq($$ select code, description, active from api.upsert_reason('flood', 'Under water') $$, $$ values ('flood', 'Under water', true) $$, 'one is added');
select results_eq($$ select code, description, active from api.upsert_reason('flood', 'Water damage') $$, $$ values ('flood', 'Water damage', true) $$, 'described anew');
select results_eq($$ select code, description, active from api.upsert_reason('flood', 'Water damage', null) $$, $$ values ('flood', 'Water damage', true) $$, 'null is active');
select is((select count(*) from api.list_reasons() as r where r.code = 'flood'), 1::bigint, 'it is there once');

-- In commands: of any operation.
select results_eq($$ select on_hand, version from api.adjust_stock('A', 'W1', -1, reason_code => 'flood') $$, $$ values (49::bigint, 2::bigint) $$, 'a code is reason enough for an adjustment');
select is((select concat_ws('|', m.reason, m.reason_code) from api.get_stock_history('A', 'W1', max_rows => 1) as m), 'flood', 'the ledger has it');
select lives_ok($$ select * from api.adjust_stock('A', 'W1', -1, reason => 'second shelf', reason_code => 'flood') $$, 'with words beside it');
select is((select concat_ws('|', m.reason, m.reason_code) from api.get_stock_history('A', 'W1', max_rows => 1) as m), 'second shelf|flood', 'both are kept');
select is(test.outcomes(jsonb_agg(c.command || '{"reason_code": "flood"}')), '{applied,applied,applied,applied,applied,applied,applied,applied,applied}', 'every operation may have one')
from unnest(array['{"op": "add", "sku": "A", "location": "W1", "quantity": 1}', '{"op": "remove", "sku": "A", "location": "W1", "quantity": 1}', '{"op": "move", "sku": "A", "from": "W1", "to": "W2", "quantity": 9}',
    '{"op": "return", "sku": "A", "location": "W1", "quantity": 1}', '{"op": "quarantine", "sku": "A", "location": "W1", "quantity": 3}', '{"op": "restore", "sku": "A", "location": "W1", "quantity": 1}',
    '{"op": "write_off", "sku": "A", "location": "W1", "quantity": 1}', '{"op": "ship", "sku": "A", "from": "W1", "to": "W2", "quantity": 2}',
    '{"op": "reserve", "sku": "A", "location": "W1", "quantity": 2, "reservation_id": "00000000-0000-0000-0000-000000000001"}']::jsonb[]) as c (command);
select is((select count(*) from inventory.stock_movement as m where m.reason_code = 'flood'), 13::bigint, 'on each of their movements');
select is(test.outcomes('[{"op": "extend", "reservation_id": "00000000-0000-0000-0000-000000000001", "expires_in_seconds": 9, "reason_code": "flood"}, {"op": "confirm", "reservation_id": "00000000-0000-0000-0000-000000000001", "reason_code": "sample"}]'),
    '{applied,applied}', 'also those on reservations');
select is((select m.reason_code from inventory.stock_movement as m where m.type = 'commit'), 'sample', 'which their movements have');
select is(test.outcomes(jsonb_build_array(jsonb_build_object('op', 'receive', 'transfer_id', (select t.id from inventory.transfer as t), 'reason_code', 'lost_in_transit', 'complete', true,
    'lines', '[{"sku": "A", "received": 1}]'::jsonb))), '{applied}', 'and on transfers');
select is((select m.reason || ' ' || m.reason_code from inventory.stock_movement as m where m.type = 'transfer_loss'), 'lost in transit lost_in_transit', 'a loss has it');

-- Unknown, and out of use.
select is_empty($$ select c.command from unnest(array['{"op": "add", "sku": "A", "location": "W1", "quantity": 1}', '{"op": "adjust", "sku": "A", "location": "W1", "quantity": 1}', '{"op": "write_off", "sku": "A", "location": "W1", "quantity": 1}',
        '{"op": "move", "sku": "A", "from": "W1", "to": "W2", "quantity": 1}', '{"op": "ship", "sku": "A", "from": "W1", "to": "W2", "quantity": 1}', '{"op": "reserve", "sku": "A", "location": "W1", "quantity": 1}',
        '{"op": "cancel", "reservation_id": "00000000-0000-0000-0000-000000000001"}', '{"op": "cancel_transfer", "transfer_id": "00000000-0000-0000-0000-000000000001"}']) as c (command)
    where test.outcomes(jsonb_build_array(c.command::jsonb || '{"reason_code": "whim"}')) <> '{IV026}' $$, 'an unknown code is refused, whatever the operation');
select is(test.refusal($$ select * from api.adjust_stock('A', 'W1', 1, reason_code => 'whim') $$), '{"code": "IV026", "reason_code": "whim"}', 'the detail names it');
select throws_ok($$ select * from api.adjust_stock('A', 'W1', 1, reason_code => 'Flood') $$, 'IV026', null, 'codes are case-sensitive');
select is((select active from api.upsert_reason('flood', 'Water damage', false)), false, 'a code is taken out of use');
select throws_ok($$ select * from api.adjust_stock('A', 'W1', 1, reason_code => 'flood') $$, 'IV026', null, 'then it is not given any more');
select is((select active from api.list_reasons() as r where r.code = 'flood'), false, 'though it can be read');
select is((select replayed from api.adjust_stock('A', 'W1', 1, reason_code => 'found', idempotency_key => 'k')), false, 'with a key');
select * from api.upsert_reason('found', 'Turned up', false);
select is((select replayed from api.adjust_stock('A', 'W1', 1, reason_code => 'found', idempotency_key => 'k')), true, 'a repeated request is answered as before, whatever became of its code');
select lives_ok($$ select api.upsert_reason('found', 'Turned up'), api.adjust_stock('A', 'W1', 1, reason_code => 'found') $$, 'a code may come back');
select throws_ok($$ select * from api.adjust_stock('A', 'W1', 1) $$, 'IV008', null, 'an adjustment without any reason is refused');

select is_empty($$ select * from test.unexpected('{
    "select api.upsert_reason(null, ''d'')": "IV008", "select api.upsert_reason('''', ''d'')": "IV008", "select api.upsert_reason(''Upper'', ''d'')": "IV008", "select api.upsert_reason(''1st'', ''d'')": "IV008",
    "select api.upsert_reason(''a b'', ''d'')": "IV008", "select api.upsert_reason(''a'' || chr(10), ''d'')": "IV008", "select api.upsert_reason(repeat(''a'', 41), ''d'')": "IV008", "select api.upsert_reason(''a'', null)": "IV008",
    "select api.upsert_reason(''a'', '''')": "IV008", "select api.upsert_reason(''a'', repeat(''d'', 201))": "IV008",
    "select * from api.adjust_stock(''A'', ''W1'', 1, reason_code => '''')": "IV008", "select * from api.adjust_stock(''A'', ''W1'', 1, reason_code => repeat(''r'', 41))": "IV008"}') $$, 'what is wrong is refused by its code');
select lives_ok($$ select api.upsert_reason(repeat('a', 40), repeat('d', 200)) $$, '40 letters and 200 characters fit');
select is(test.outcomes('[{"op": "adjust", "sku": "A", "location": "W1", "quantity": 1, "reason_code": 5}, {"op": "adjust", "sku": "A", "location": "W1", "quantity": 1, "reason_code": null}]'), '{IV008,IV008}', 'a code is a text');
select is_empty('select * from test.broken_rules()', 'every invariant holds');
select * from finish();
rollback;
