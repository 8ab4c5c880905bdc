-- api.recall_lot and api.trace_lot: a lot is taken from sale everywhere, and whoever has some of it is found.
begin;
select plan(45);
select test.make_catalogue();
select api.upsert_item('L', 'Lot item', tracking => 'lot');
create function pg_temp.run(command jsonb) returns text language sql as $$
    select coalesce(a.code, a.outcome) from api.apply_commands(jsonb_build_array(command)) as a
$$;
create function pg_temp.trace(lot text) returns text[] language sql as $$
    select array_agg(concat_ws(' ', t.kind, t.location, t.quantity, t.status) order by t.kind collate "C", t.location, t.quantity)
    from api.trace_lot('L', trace.lot, max_movements => 0) as t
$$;
select is(test.outcomes('[
    {"op": "add", "sku": "L", "location": "W1", "quantity": 20, "lot": "BAD", "lot_expires_at": "2090-01-01T00:00:00Z"},
    {"op": "add", "sku": "L", "location": "W1", "quantity": 5, "lot": "GOOD"},
    {"op": "add", "sku": "L", "location": "W2", "quantity": 3, "lot": "BAD"},
    {"op": "reserve", "sku": "L", "location": "W1", "quantity": 4, "reservation_id": "00000000-0000-0000-0000-000000000001", "owner": "anna"},
    {"op": "reserve", "sku": "L", "location": "W1", "quantity": 3, "reservation_id": "00000000-0000-0000-0000-000000000002", "owner": "bert", "reference": "order-2"},
    {"op": "confirm", "reservation_id": "00000000-0000-0000-0000-000000000002"},
    {"op": "quarantine", "sku": "L", "location": "W1", "quantity": 1}]'), '{applied,applied,applied,applied,applied,applied,applied}', 'a lot gets about');
select is(pg_temp.run('{"op": "ship", "sku": "L", "from": "W1", "to": "W2", "quantity": 2, "reference": "truck-1"}'), 'applied', 'some of it is on the way');
select is(pg_temp.trace('BAD'), '{reservation W1 4 PENDING,sale W1 3 COMMITTED,stock W1 1 damaged,stock W1 4 reserved,stock W1 10 sellable,stock W2 3 sellable,transfer W2 2 in_transit}',
    'the trace has all of it');

-- The recall.
select results_eq($$ select sku, lot, location, quantity, held, available, damaged, version, replayed
        from api.recall_lot('L', 'BAD', 'glass in it', idempotency_key => 'k1', user_id => 'u1') $$,
    $$ values ('L', 'BAD', 'W1', 10::bigint, 4::bigint, 5::bigint, 11::bigint, 8::bigint, false), ('L', 'BAD', 'W2', 3, 0, 0, 3, 3, false) $$,
    'what is free of it is taken from sale at each location');
select is(pg_temp.trace('BAD'), '{reservation W1 4 PENDING,sale W1 3 COMMITTED,stock W1 4 reserved,stock W1 11 damaged,stock W2 3 damaged,transfer W2 2 in_transit}',
    'who has the rest is still known');
select is((select l.status || ' ' || l.recall_reason || ' ' || l.version from inventory.lot as l where l.code = 'BAD'), 'recalled glass in it 2', 'the lot says so');
select results_eq($$ select m.location_id collate "default", m.on_hand_delta, m.damaged_delta, m.reason, m.user_id, m.detail from inventory.stock_movement as m where m.type = 'recall' order by 1 $$,
    $$ values ('W1', -10::bigint, 10::bigint, 'glass in it', 'u1', '{"lot": "BAD"}'::jsonb), ('W2', -3, 3, 'glass in it', 'u1', '{"lot": "BAD"}') $$, 'and the ledger');
select results_eq($$ select location, quantity, replayed from api.recall_lot('L', 'BAD', 'glass in it', idempotency_key => 'k1', user_id => 'u1') $$,
    $$ values ('W1', 10::bigint, true), ('W2', 3, true) $$, 'the same request is answered as before');
select throws_ok($$ select * from api.recall_lot('L', 'BAD', 'other', idempotency_key => 'k1') $$, 'IV007', null, 'another one under the key is refused');
select is((select sum(quantity) from api.recall_lot('L', 'BAD', 'again')), 0::numeric, 'a second recall takes nothing');
select is((select l.recall_reason || ' ' || l.version from inventory.lot as l where l.code = 'BAD'), 'glass in it 2', 'and changes nothing');

create temporary table told as select to_jsonb(r) as reply from api.recall_lot('L', 'BAD', 'glass in it', idempotency_key => 'k1', user_id => 'u1') as r;

-- Afterwards.
select is(pg_temp.run('{"op": "reserve", "sku": "L", "location": "W1", "quantity": 1, "lot": "BAD"}'), 'IV022', 'it is not reserved');
select is(test.refusal($$ select * from api.confirm_reservation('00000000-0000-0000-0000-000000000001') $$) ->> 'code', 'IV022', 'what is held of it is not sold');
select is(pg_temp.run('{"op": "cancel", "reservation_id": "00000000-0000-0000-0000-000000000001"}'), 'applied', 'but cancelled');
select is((select available from api.get_stock_level('L', 'W1')), 5::bigint, 'without being for sale');
select is(pg_temp.run('{"op": "reserve", "sku": "L", "location": "W1", "quantity": 5, "reservation_id": "00000000-0000-0000-0000-000000000003"}'), 'applied', 'who reserves again');
select results_eq($$ select lot, quantity from api.get_tracked_units('L', 'W1', (select s.version from inventory.stock_level as s where s.location_id = 'W1')) $$,
    $$ values ('GOOD', 5::bigint) $$, 'gets another lot');
select is(test.outcomes('[{"op": "confirm", "reservation_id": "00000000-0000-0000-0000-000000000003"}]'), '{applied}', 'and may have it');
select is(pg_temp.trace('BAD'), '{sale W1 3 COMMITTED,stock W1 15 damaged,stock W2 3 damaged,transfer W2 2 in_transit}', 'what was freed is damaged');
select is(pg_temp.run(jsonb_build_object('op', 'receive', 'transfer_id', (select t.id from inventory.transfer as t))), 'applied', 'what was on the way arrives');
select is((select available from api.get_stock_level('L', 'W2')), 0::bigint, 'and is not for sale');
select is(pg_temp.run('{"op": "reserve", "sku": "L", "location": "W2", "quantity": 1}'), 'IV001', 'to anybody');
select lives_ok('select api.expire_lots()', 'the sweeper writes it');
select is(pg_temp.trace('BAD'), '{sale W1 3 COMMITTED,stock W1 15 damaged,stock W2 5 damaged,transfer W2 2 received}', 'nothing of it is sellable');
select is(pg_temp.run('{"op": "add", "sku": "L", "location": "SHUT", "quantity": 1, "lot": "BAD"}'), 'applied', 'more of it comes in');
select is((select available || ' ' || damaged from api.get_stock_level('L', 'SHUT')), '0 1', 'not for sale either');
select lives_ok('select api.expire_lots()', 'and is written off sale');
select is((select sum(l.on_hand) from inventory.lot_level as l join inventory.lot as t on t.id = l.lot_id where t.code = 'BAD'), 0::numeric, 'everywhere');

-- A lot of which nothing lies anywhere.
select is(test.outcomes('[{"op": "add", "sku": "L", "location": "W1", "quantity": 1, "lot": "GONE"}, {"op": "remove", "sku": "L", "location": "W1", "quantity": 1, "lot": "GONE"}]'),
    '{applied,applied}', 'a lot that is sold out');
select results_eq($$ select lot, location, quantity from api.recall_lot('L', 'GONE') $$, $$ values ('GONE', null, 0::bigint) $$, 'is recalled all the same');
select results_eq($$ select lot, status, location from api.get_lots('L', include_empty => true) where lot = 'GONE' $$, $$ values ('GONE', 'recalled', null) $$, 'and says so');

-- The trace.
select results_eq($$ select location, status, quantity, reservation_id from api.trace_lot('L', 'BAD') where kind = 'movement' and location = 'W2' order by version $$,
    $$ values ('W2', 'receipt', 3::bigint, null::uuid), ('W2', 'recall', 3, null), ('W2', 'receive', 2, null), ('W2', 'recall', 2, null) $$, 'the movements that touched a lot');
select is((select owner || ' ' || reference from api.trace_lot('L', 'BAD') where kind = 'sale'), 'bert order-2', 'whom it was sold to');
select is((select reference from api.trace_lot('L', 'BAD') where kind = 'transfer'), 'truck-1', 'which transfer took it');
select is((select count(*) from api.trace_lot('L', 'BAD', max_movements => 2) where kind = 'movement'), 2::bigint, 'at most as many movements as asked for');
select throws_ok($$ select * from api.trace_lot('L', 'BAD', -1) $$, 'IV008', null, 'a negative number is refused');
select throws_ok($$ select * from api.trace_lot('L', 'BAD', 10001) $$, 'IV008', null, '10,001 is refused');
select throws_ok($$ select * from api.trace_lot('L', 'NONE') $$, 'IV021', null, 'an unknown lot is refused');
select throws_ok($$ select * from api.trace_lot('NONE', 'BAD') $$, 'IV003', null, 'an unknown item is refused');
select throws_ok($$ select * from api.recall_lot('L', 'NONE') $$, 'IV021', 'the item has no lot with this code', 'an unknown lot is not recalled');
select throws_ok($$ select * from api.recall_lot('NONE', 'BAD') $$, 'IV003', null, 'nor that of an unknown item');
select throws_ok($$ select * from api.recall_lot('L', null) $$, 'IV008', null, 'the lot is required');
select is(test.outcomes('[{"op": "recall", "sku": "L", "lot": "NONE"}, {"op": "recall", "sku": "L", "lot": "GOOD"}]'), '{IV021,applied}', 'recalls stand in batches');
select bag_eq($$ select to_jsonb(r) from api.recall_lot('L', 'BAD', 'glass in it', idempotency_key => 'k1', user_id => 'u1') as r $$, 'select reply from told',
    'whatever has changed since, the same request is answered as before');
select is_empty('select * from test.broken_rules()', 'every invariant holds');
select * from finish();
rollback;
