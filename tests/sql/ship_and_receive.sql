-- Transfers in two steps: api.ship_stock, api.receive_transfer, api.cancel_transfer, api.get_transfer.
begin;
select plan(80);
select test.make_catalogue();
select * from api.add_stock('A', 'W1', 100);
select * from api.add_stock('B', 'W1', 20);
select * from api.add_stock('OLD', 'W1', 5);
select * from api.add_stock('A', 'SHUT', 5);
select test.close_catalogue();
create temporary table named (name text primary key, id uuid);
create function pg_temp.ship(name text, command jsonb) returns text language plpgsql as $$
declare
    v_answer record;
begin
    select a.* into v_answer from api.apply_commands(jsonb_build_array('{"op": "ship", "from": "W1", "to": "W2"}'::jsonb || command)) as a;
    insert into named values (name, (v_answer.answer ->> 'transfer_id')::uuid) on conflict on constraint named_pkey do update set id = excluded.id;
    return coalesce(v_answer.code, v_answer.outcome);
end
$$;
create function pg_temp.of(name text) returns uuid language sql as $$ select n.id from named as n where n.name = "of".name $$;
create function pg_temp.receive(name text, command jsonb default '{}') returns text language sql as $$
    select (test.outcomes(jsonb_build_array(jsonb_build_object('op', 'receive', 'transfer_id', pg_temp.of(name)) || command)))[1]
$$;

-- All of it arrives.
select results_eq($$ select status, sku, location, type, quantity, on_hand, reserved, available, in_transit, version, replayed
    from api.ship_stock('W1', 'W2', 'A', 10, reference => 'truck 1', idempotency_key => 's1') $$,
    $$ values ('IN_TRANSIT', 'A', 'W1', 'ship', 10::bigint, 90::bigint, 0::bigint, 90::bigint, 0::bigint, 2::bigint, false),
        ('IN_TRANSIT', 'A', 'W2', 'dispatch', 10::bigint, 0::bigint, 0::bigint, 0::bigint, 10::bigint, 1::bigint, false) $$, 'what is shipped leaves, and is under way');
insert into named select 't1', transfer_id from api.ship_stock('W1', 'W2', 'A', 10, reference => 'truck 1', idempotency_key => 's1') limit 1;
select is((select count(*) from inventory.transfer), 1::bigint, 'a repeated request ships nothing more');
select throws_ok($$ select * from api.ship_stock('W1', 'W2', 'A', 9, reference => 'truck 1', idempotency_key => 's1') $$, 'IV007', null, 'another one under its key is refused');
select results_eq($$ select transfer_id, from_location, to_location, status, reference, version, sku, shipped, received, damaged, lost, returned, open from api.get_transfer(pg_temp.of('t1')) $$,
    $$ values (pg_temp.of('t1'), 'W1', 'W2', 'IN_TRANSIT', 'truck 1', 1::bigint, 'A', 10::bigint, 0::bigint, 0::bigint, 0::bigint, 0::bigint, 10::bigint) $$, 'the transfer is open');
select throws_ok($$ select * from api.reserve_stock('A', 'W2', 1) $$, 'IV001', null, 'what is under way is not for sale');
select results_eq($$ select status, location, type, quantity, on_hand, available, in_transit, replayed from api.receive_transfer(pg_temp.of('t1'), idempotency_key => 'r1') $$,
    $$ values ('RECEIVED', 'W2', 'receive', 10::bigint, 10::bigint, 10::bigint, 0::bigint, false) $$, 'without lines all of it has arrived');
select is((select replayed from api.receive_transfer(pg_temp.of('t1'), idempotency_key => 'r1')), true, 'a repeated request receives nothing more');
select is(test.movements('A', 'W1') || test.movements('A', 'W2'),
    '{receipt 100/0/0/0/0/0,ship -10/0/0/0/0/0,dispatch 0/0/10/0/0/0,receive 10/0/-10/0/0/0}', 'the ledgers have both steps');
select is((select array_agg(distinct m.transfer_id) from inventory.stock_movement as m where m.type in ('ship', 'dispatch', 'receive')), array[pg_temp.of('t1')],
    'under the transfer');
select throws_ok($$ select * from api.receive_transfer(pg_temp.of('t1')) $$, 'IV019', null, 'a closed transfer is not received again');
select is(test.refusal($$ select * from api.receive_transfer(pg_temp.of('t1')) $$) ->> 'status', 'RECEIVED', 'the detail has its state');
select throws_ok($$ select * from api.cancel_transfer(pg_temp.of('t1')) $$, 'IV019', null, 'or called back');

-- In parts: short, damaged, lost.
select is(pg_temp.ship('t2', '{"lines": [{"sku": "B", "quantity": 4}, {"sku": "A", "quantity": 6}, {"sku": "B", "quantity": 2}]}'), 'applied', 'several lines are shipped together');
select results_eq($$ select sku, shipped from api.get_transfer(pg_temp.of('t2')) $$, $$ values ('A', 6::bigint), ('B', 6::bigint) $$, 'summed by item');
select is((select count(*) from inventory.stock_movement as m where m.transfer_id = pg_temp.of('t2')), 4::bigint, 'one movement for each item at each end');
select results_eq($$ select status, sku, type, quantity, on_hand, damaged, in_transit from api.receive_transfer(pg_temp.of('t2'),
    '[{"sku": "A", "received": 2, "damaged": 1}, {"sku": "B", "lost": 1}, {"sku": "A", "received": 1}]') $$,
    $$ values ('IN_TRANSIT', 'A', 'receive', 4::bigint, 13::bigint, 1::bigint, 2::bigint), ('IN_TRANSIT', 'B', 'transfer_loss', 1::bigint, 0::bigint, 0::bigint, 5::bigint) $$,
    'a part has arrived, something is damaged, something lost');
select results_eq($$ select sku, shipped, received, damaged, lost, returned, open, version from api.get_transfer(pg_temp.of('t2')) $$,
    $$ values ('A', 6::bigint, 3::bigint, 1::bigint, 0::bigint, 0::bigint, 2::bigint, 2::bigint), ('B', 6, 0, 0, 1, 0, 5, 2) $$, 'the rest is still open');
select is((select m.reason from inventory.stock_movement as m where m.type = 'transfer_loss'), 'lost in transit', 'a loss has a reason');
select is(pg_temp.receive('t2', '{"lines": [{"sku": "A", "received": 3}]}'), 'IV001', 'no more arrives than is under way');
select is(test.refusal(format($$ select * from api.receive_transfer(%L, '[{"sku": "A", "received": 1, "damaged": 1, "lost": 1}]') $$, pg_temp.of('t2'))),
    '{"code": "IV001", "sku": "A", "state": "in_transit", "requested": 3, "available": 2}', 'however it arrives; the detail has what is open');
select is(pg_temp.receive('t2', '{"lines": [{"sku": "B", "received": 2}, {"sku": "A", "received": 3}]}'), 'IV001', 'one line too many refuses all');
select is(test.states('B', 'W2'), '0/0/5/0/0/0 v2', 'and changes nothing');
select is(pg_temp.receive('t2', '{"lines": [{"sku": "OLD", "received": 1}]}'), 'IV003', 'what was not shipped does not arrive');
select is(pg_temp.receive('t2', '{"lines": [{"sku": "NONE", "received": 1}]}'), 'IV003', 'nor what does not exist');
select is(pg_temp.receive('t2', '{"lines": [{"sku": "NONE", "received": 1, "unit": "CASE"}]}'), 'IV003', 'in whatever unit');
select is(test.refusal(format($$ select * from api.receive_transfer(%L, '[{"sku": "NONE", "lost": 1}]') $$, pg_temp.of('t2'))) ->> 'sku', 'NONE', 'the detail names it');
select results_eq($$ select status, sku, type, quantity, in_transit from api.receive_transfer(pg_temp.of('t2'), '[{"sku": "B", "received": 4}]', complete => true, reason => 'stolen') $$,
    $$ values ('RECEIVED', 'A', 'transfer_loss', 2::bigint, 0::bigint), ('RECEIVED', 'B', 'receive', 4::bigint, 1::bigint), ('RECEIVED', 'B', 'transfer_loss', 1::bigint, 0::bigint) $$,
    'complete: what the lines leave open is lost');
select is((select array_agg(distinct m.reason) from inventory.stock_movement as m where m.transfer_id = pg_temp.of('t2') and m.type = 'transfer_loss' and m.reason <> 'lost in transit'),
    '{stolen}', 'for the reason that was given');
select results_eq($$ select sku, received, damaged, lost, open from api.get_transfer(pg_temp.of('t2')) $$,
    $$ values ('A', 3::bigint, 1::bigint, 2::bigint, 0::bigint), ('B', 4, 0, 2, 0) $$, 'nothing is open any more');
select is(pg_temp.ship('t3', '{"sku": "A", "quantity": 3}') || ' ' || pg_temp.receive('t3', '{"complete": true, "lines": [{"sku": "A", "received": 0}]}'),
    'applied applied', 'all of it may be lost');
select is((select l.lost || ' ' || t.status from inventory.transfer as t join inventory.transfer_line as l on l.transfer_id = t.id where t.id = pg_temp.of('t3')), '3 RECEIVED', 'then it is closed');
select is(pg_temp.ship('t3', '{"sku": "A", "quantity": 3}') || ' ' || pg_temp.receive('t3', '{"complete": true}'), 'applied applied', 'complete without lines: all has arrived');
select is((select l.received from inventory.transfer_line as l where l.transfer_id = pg_temp.of('t3')), 3::bigint, 'in order');
select is(pg_temp.ship('t4', '{"sku": "A", "quantity": 3}') || ' ' || pg_temp.receive('t4', '{"lines": [{"sku": "A", "received": 1}]}') || ' ' || pg_temp.receive('t4'),
    'applied applied applied', 'what is left arrives later');
select is((select string_agg(t.status || ' ' || t.version, '') from inventory.transfer as t where t.id = pg_temp.of('t4')), 'RECEIVED 3', 'and closes it');
select is(pg_temp.ship('t4', '{"sku": "A", "quantity": 2}') || ' ' || pg_temp.receive('t4', '{"lines": [{"sku": "A", "damaged": 2}]}'), 'applied applied', 'all of it may be damaged');
select is(test.states('A', 'W2'), '19/0/0/0/3/0 v14', 'then it is not for sale');

-- Units.
select api.set_item_units('A', '[{"unit": "CASE", "quantity": 6}]');
select is(pg_temp.ship('t5', '{"sku": "A", "quantity": 2, "unit": "CASE"}'), 'applied', 'whole cases are shipped');
select is((select l.shipped from inventory.transfer_line as l where l.transfer_id = pg_temp.of('t5')), 12::bigint, 'in units of the item');
select is(pg_temp.receive('t5', '{"lines": [{"sku": "A", "received": 1, "unit": "CASE"}, {"sku": "A", "damaged": 2}]}'), 'applied', 'and received, also some in cases and some in units');
select is((select l.received || ' ' || l.damaged from inventory.transfer_line as l where l.transfer_id = pg_temp.of('t5')), '6 2', 'each counted in its own');
select is(pg_temp.receive('t5', '{"lines": [{"sku": "A", "received": 1, "unit": "CASE"}]}'), 'IV001', 'a case is more than is open');
select is(pg_temp.receive('t5', '{"lines": [{"sku": "A", "received": 1, "unit": "BOX"}]}'), 'IV015', 'an unknown unit is refused');
select is(pg_temp.receive('t5', '{"lines": [{"sku": "A", "received": 1, "lot": "L"}]}'), 'IV023', 'a lot of what has none too');

-- Called back.
select results_eq($$ select status, sku, location, type, quantity, on_hand, in_transit, version from api.cancel_transfer(pg_temp.of('t5'), reason => 'road closed', idempotency_key => 'c5') $$,
    $$ values ('CANCELLED', 'A', 'W2', 'transfer_cancel', 4::bigint, 25::bigint, 0::bigint, 17::bigint), ('CANCELLED', 'A', 'W1', 'transfer_cancel', 4::bigint, 65::bigint, 0::bigint, 9::bigint) $$,
    'what is still under way is back where it came from');
select is((select count(*) filter (where c.replayed) from api.cancel_transfer(pg_temp.of('t5'), reason => 'road closed', idempotency_key => 'c5') as c), 2::bigint, 'once');
select results_eq($$ select status, received, damaged, returned, open from api.get_transfer(pg_temp.of('t5')) $$, $$ values ('CANCELLED', 6::bigint, 2::bigint, 4::bigint, 0::bigint) $$,
    'the transfer says what became of it');
select throws_ok($$ select * from api.cancel_transfer(pg_temp.of('t5')) $$, 'IV019', null, 'it is not called back again');
select is(pg_temp.receive('t5'), 'IV019', 'or received');
select is(test.refusal(format('select * from api.cancel_transfer(%L)', pg_temp.of('t5'))) ->> 'status', 'CANCELLED', 'the detail has its state');

-- Places that close and items that are archived while goods are under way.
select is(pg_temp.ship('t6', '{"sku": "B", "quantity": 1}'), 'applied', 'shipped');
select api.upsert_location('W2', status => 'closed'), api.upsert_item('B', status => 'archived');
select is(pg_temp.ship('t7', '{"sku": "A", "quantity": 1}'), 'IV011', 'nothing is sent to a closed location');
select is(pg_temp.receive('t6'), 'applied', 'what is on its way arrives');
select api.upsert_location('W2', status => 'open'), api.upsert_item('B', status => 'active');
select is(pg_temp.ship('t7', '{"sku": "OLD", "quantity": 1}'), 'IV010', 'an archived item is not sent');
select is(pg_temp.ship('t7', '{"sku": "A", "from": "SHUT", "quantity": 5}') || ' ' || pg_temp.receive('t7', '{"lines": [{"sku": "A", "received": 3}]}'), 'applied applied', 'a closed location may be emptied');
select is((select status from api.cancel_transfer(pg_temp.of('t7')) limit 1), 'CANCELLED', 'and takes back what it sent');
select is(test.states('A', 'SHUT'), '2/0/0/0/0/0 v3', 'nothing is lost');

-- Opposite transfers at once, each counted at the end that it goes to.
select is(test.outcomes('[{"op": "ship", "sku": "B", "from": "W1", "to": "W2", "quantity": 3}, {"op": "ship", "sku": "B", "from": "W2", "to": "W1", "quantity": 2}]'),
    '{applied,applied}', 'opposite transfers');
select is(test.states('B', 'W1') || ', ' || test.states('B', 'W2'), '10/0/2/0/0/0 v5, 3/0/3/0/0/0 v8', 'each is under way to its own end');
select results_eq($$ select r.status, count(*) from inventory.transfer as t cross join lateral api.receive_transfer(t.id) as r
    where t.status = 'IN_TRANSIT' group by r.status $$, $$ values ('RECEIVED', 2::bigint) $$, 'and arrives there');
select is(test.states('B', 'W1') || ', ' || test.states('B', 'W2'), '12/0/0/0/0/0 v6, 6/0/0/0/0/0 v9', 'the sum is what it was');

-- What is reserved is not shipped; what arrives goes to those who wait.
select * from api.reserve_stock('B', 'W1', 11);
select throws_ok($$ select * from api.ship_stock('W1', 'W2', 'B', 2) $$, 'IV001', null, 'what is reserved is not shipped');
select is(test.refusal($$ select * from api.ship_stock('W1', 'W2', 'B', 2) $$) - 'version',
    '{"code": "IV001", "sku": "B", "location": "W1", "state": "available", "requested": 2, "available": 1}', 'the detail has what is free');
select is(pg_temp.ship('t8', '{"lines": [{"sku": "A", "quantity": 1}, {"sku": "B", "quantity": 2}]}'), 'IV001', 'one line that is short refuses all');
select is((select count(*) from inventory.transfer as t where t.id = pg_temp.of('t8')), 0::bigint, 'no transfer is left behind');
select api.upsert_location('W3'), api.set_stock_policy('B', 'W3', policy => 'backorder');
select * from api.reserve_stock('B', 'W3', 5, reservation_id => '00000000-0000-0000-0000-000000000001');
select is(pg_temp.ship('t8', '{"sku": "B", "from": "W2", "to": "W3", "quantity": 4}'), 'applied', 'sent to a place where somebody waits');
select is(test.states('B', 'W3'), '0/0/4/5/0/0 backorder v4', 'under way is not there yet');
select results_eq($$ select on_hand, reserved, available, in_transit, version from api.receive_transfer(pg_temp.of('t8'), '[{"sku": "B", "received": 3, "damaged": 1}]') $$,
    $$ values (3::bigint, 3::bigint, 0::bigint, 0::bigint, 6::bigint) $$, 'what arrives in order goes to who waits, and the answer says so');
select is(test.states('B', 'W3'), '3/3/0/2/1/0 backorder v6', 'what is damaged does not');
select is(pg_temp.ship('t9', '{"sku": "B", "from": "W2", "to": "W1", "quantity": 2}'), 'applied', 'shipped on');
select * from api.set_stock_policy('B', 'W2', policy => 'backorder');
select * from api.reserve_stock('B', 'W2', 1);
select results_eq($$ select location, available, in_transit from api.cancel_transfer(pg_temp.of('t9')) where location = 'W2' $$, $$ values ('W2', 1::bigint, 0::bigint) $$,
    'what comes back goes to who waits there, and the rest is for sale');

-- An oversold place ships what it does not have.
select * from api.set_stock_policy('B', 'W1', policy => 'oversell');
select is(pg_temp.ship('t10', '{"sku": "B", "quantity": 20}') || ' ' || pg_temp.receive('t10'), 'applied applied', 'with the policy oversell more is shipped than there is');
select is((select available from api.get_stock_level('B', 'W1')), -19::bigint, 'and shows');

select is_empty($$ select * from test.unexpected('{
    "select * from api.ship_stock()": "IV008", "select * from api.ship_stock(''W1'', ''W2'')": "IV008", "select * from api.ship_stock(null, ''W2'', ''A'', 1)": "IV008",
    "select * from api.ship_stock(''W1'', null, ''A'', 1)": "IV008", "select * from api.ship_stock(''W1'', ''W1'', ''A'', 1)": "IV008", "select * from api.ship_stock(''W1'', ''W2'', null, 1)": "IV008",
    "select * from api.ship_stock(''W1'', ''W2'', ''A'', null)": "IV008", "select * from api.ship_stock(''W1'', ''W2'', ''A'', 0)": "IV008", "select * from api.ship_stock(''W1'', ''W2'', ''A'', -1)": "IV008",
    "select * from api.ship_stock(''W1'', ''W2'', ''A'', 1000000000001)": "IV012", "select * from api.ship_stock(''W1'', ''W2'', ''NONE'', 1)": "IV003",
    "select * from api.ship_stock(''NONE'', ''W2'', ''A'', 1)": "IV004", "select * from api.ship_stock(''W1'', ''NONE'', ''A'', 1)": "IV004", "select * from api.ship_stock(''W1'', ''SHUT'', ''A'', 1)": "IV011",
    "select * from api.ship_stock(''W3'', ''W1'', ''A'', 1)": "IV001", "select * from api.ship_stock(''W1'', ''W2'', ''A'', 1, unit => ''BOX'')": "IV015",
    "select * from api.ship_stock(''W1'', ''W2'', lines => ''[]'')": "IV008", "select * from api.ship_stock(''W1'', ''W2'', lines => ''{}'')": "IV008", "select * from api.ship_stock(''W1'', ''W2'', lines => ''[5]'')": "IV008",
    "select * from api.ship_stock(''W1'', ''W2'', lines => ''[{\"sku\": \"A\"}]'')": "IV008", "select * from api.ship_stock(''W1'', ''W2'', lines => ''[{\"sku\": \"A\", \"quantity\": 1, \"location\": \"W3\"}]'')": "IV008",
    "select * from api.ship_stock(''W1'', ''W2'', lines => ''[{\"sku\": \"A\", \"quantity\": 1e13}]'')": "IV012", "select * from api.ship_stock(''W1'', ''W2'', ''A'', 1, lines => ''[{\"sku\": \"A\", \"quantity\": 1}]'')": "IV008",
    "select * from api.ship_stock(''W1'', ''W2'', unit => ''CASE'', lines => ''[{\"sku\": \"A\", \"quantity\": 1}]'')": "IV008",
    "select * from api.receive_transfer(null)": "IV008", "select * from api.receive_transfer(''00000000-0000-0000-0000-000000000000'')": "IV018",
    "select * from api.cancel_transfer(null)": "IV008", "select * from api.cancel_transfer(''00000000-0000-0000-0000-000000000000'')": "IV018",
    "select * from api.get_transfer(null)": "IV018", "select * from api.get_transfer(''00000000-0000-0000-0000-000000000000'')": "IV018"}') $$, 'what is wrong is refused by its code, and changes nothing');
select is(pg_temp.ship('open', '{"sku": "A", "quantity": 5}'), 'applied', 'an open transfer');
select is_empty($$ select l.lines, r.outcome from unnest(array['[]', '{}', '5', '"A"', '[5]', '[[]]', '[{}]', '[{"sku": "A"}]', '[{"sku": 5, "received": 1}]', '[{"sku": "A", "received": -1}]', '[{"sku": "A", "received": 1.5}]',
        '[{"sku": "A", "received": "1"}]', '[{"sku": "A", "received": null}]', '[{"sku": "A", "received": 1e13}]', '[{"sku": "A", "received": 0}]', '[{"sku": "A", "received": 0, "lost": 0}]', '[{"sku": "A", "quantity": 1}]',
        '[{"sku": "A", "received": 1, "location": "W2"}]', '[{"sku": "A", "received": 1, "unit": 5}]', '[{"sku": "A", "received": 1, "serials": "S"}]']) as l (lines)
    cross join lateral pg_temp.receive('open', jsonb_build_object('lines', l.lines::jsonb)) as r (outcome) where r.outcome <> 'IV008' $$, 'malformed lines are refused');
select is_empty($$ select c.command, r.outcome from unnest(array['{"complete": 1}', '{"complete": null}', '{"lines": null}', '{"sku": "A", "quantity": 1}', '{"location": "W2"}', '{"transfer_id": 5}', '{"transfer_id": "x"}',
        '{"expected_version": -1}', '{"reason": ""}']) as c (command)
    cross join lateral pg_temp.receive('open', c.command::jsonb) as r (outcome) where r.outcome <> 'IV008' $$, 'malformed fields too');
select is(test.outcomes(jsonb_build_array(jsonb_build_object('op', 'cancel_transfer', 'transfer_id', pg_temp.of('open'), 'lines', '[{"sku": "A", "received": 1}]'::jsonb))), '{IV008}',
    'a transfer is not called back in part');
select is((select l.shipped - l.received from inventory.transfer_line as l where l.transfer_id = pg_temp.of('open')), 5::bigint, 'and it is as it was');
select is_empty('select * from test.broken_rules()', 'every invariant holds');
select * from finish();
rollback;
