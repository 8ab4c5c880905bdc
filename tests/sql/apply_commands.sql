-- api.apply_commands: a batch of any commands, each decided in the order given and answered.
begin;
select plan(28);
select test.make_catalogue();
select * from api.add_stock('OLD', 'W1', 10);
select * from api.add_stock('A', 'SHUT', 10);
select test.close_catalogue();

-- One of each.
select is(test.outcomes('[
    {"op": "add", "sku": "A", "location": "W1", "quantity": 10},
    {"op": "remove", "sku": "A", "location": "W1", "quantity": 1},
    {"op": "adjust", "sku": "A", "location": "W1", "quantity": -1, "reason": "broken"},
    {"op": "move", "sku": "A", "from": "W1", "to": "W2", "quantity": 2},
    {"op": "reserve", "sku": "A", "location": "W1", "quantity": 3, "reservation_id": "00000000-0000-0000-0000-000000000001"},
    {"op": "confirm", "reservation_id": "00000000-0000-0000-0000-000000000001"},
    {"op": "reserve", "sku": "A", "location": "W2", "quantity": 1, "reservation_id": "00000000-0000-0000-0000-000000000002"},
    {"op": "cancel", "reservation_id": "00000000-0000-0000-0000-000000000002"}]'),
    '{applied,applied,applied,applied,applied,applied,applied,applied}', 'one command of each kind, each building on the ones before');
select is(test.ledger('A', 'W1'), '{receipt 10 0 v1,removal -1 0 v2,adjustment -1 0 v3,transfer_out -2 0 v4,reserve 0 3 v5,commit -3 -3 v6}',
    'in the order given at one location');
select is(test.ledger('A', 'W2'), '{transfer_in 2 0 v1,reserve 0 1 v2,release 0 -1 v3}', 'and at the other');

-- The answer.
select * from api.add_stock('A', 'W1', 2);
select results_eq(
    $$ select ordinal, outcome, code, message, detail, answer - 'reservation_id' - 'expires_at' from api.apply_commands('[
        {"op": "reserve", "sku": "A", "location": "W1", "quantity": 2}, {"op": "reserve", "sku": "A", "location": "W1", "quantity": 9}]') $$,
    format($$ values (0, 'applied', null, null, null::jsonb, '{"status": "PENDING", "levels": [{"sku": "A", "item_id": "%s", "location": "W1", "quantity": 2,
        "on_hand": 5, "reserved": 2, "available": 3, "status": "in_stock", "version": 8}]}'::jsonb),
        (1, 'refused', 'IV001', 'not enough stock is available', '{"sku": "A", "location": "W1", "requested": 9, "available": 3, "version": 8}', null) $$,
        (select id from api.get_item('A'))),
    'each command has one row');

-- Order on one key: a big one is refused, a smaller one after it is accepted.
select is(test.outcomes('[
    {"op": "reserve", "sku": "A", "location": "W1", "quantity": 2},
    {"op": "reserve", "sku": "A", "location": "W1", "quantity": 5},
    {"op": "reserve", "sku": "A", "location": "W1", "quantity": 1},
    {"op": "reserve", "sku": "A", "location": "W1", "quantity": 1},
    {"op": "add", "sku": "A", "location": "W1", "quantity": 1},
    {"op": "reserve", "sku": "A", "location": "W1", "quantity": 1}]'), '{applied,IV001,applied,IV001,applied,applied}', 'order on one key is kept');

-- Refused commands leave their neighbours alone.
select is(test.outcomes('[
    {"op": "add", "sku": "B", "location": "W1", "quantity": 5},
    {"op": "add", "sku": "NONE", "location": "W1", "quantity": 5},
    {"op": "add", "sku": "B", "location": "NONE", "quantity": 5},
    {"op": "add", "sku": "OLD", "location": "W1", "quantity": 5},
    {"op": "add", "sku": "B", "location": "SHUT", "quantity": 5},
    {"op": "add", "sku": "B", "location": "W1", "quantity": 1000000000001},
    {"op": "add", "sku": "B", "location": "W1", "quantity": 5, "expected_version": 7},
    {"op": "confirm", "reservation_id": "00000000-0000-0000-0000-0000000000ff"},
    {"op": "confirm", "reservation_id": "00000000-0000-0000-0000-000000000001"},
    {"op": "fly"}, 5, null, "add", [], {},
    {"op": "add", "sku": "B", "location": "W1", "quantity": 1, "expected_version": 1}]'),
    '{applied,IV003,IV004,IV010,IV011,IV012,IV006,IV005,IV009,IV008,IV008,IV008,IV008,IV008,IV008,applied}', 'each refusal has its code');
select is(test.level('B', 'W1'), '6 0 6 in_stock v2', 'only what was accepted is there');

-- Several lines: all or nothing, in the middle of a batch.
select is(test.outcomes('[
    {"op": "reserve", "lines": [{"sku": "B", "location": "W1", "quantity": 2}, {"sku": "A", "location": "W2", "quantity": 3}]},
    {"op": "reserve", "lines": [{"sku": "B", "location": "W1", "quantity": 5}, {"sku": "A", "location": "W2", "quantity": 1}]},
    {"op": "add", "lines": [{"sku": "B", "location": "W1", "quantity": 1}, {"sku": "NONE", "location": "W1", "quantity": 1}]},
    {"op": "remove", "lines": [{"sku": "B", "location": "W1", "quantity": 1}, {"sku": "B", "location": "W1", "quantity": 1}]}]'),
    '{IV001,applied,IV003,IV001}', 'a command of several lines is all or nothing');
select is(test.level('B', 'W1') || ', ' || test.level('A', 'W2'), '6 5 1 in_stock v3, 2 1 1 in_stock v4', 'nothing of a refused one is left');

-- Idempotency within a batch and across.
select is(test.outcomes('[
    {"op": "add", "sku": "B", "location": "W2", "quantity": 1, "idempotency_key": "k1"},
    {"op": "add", "sku": "B", "location": "W2", "quantity": 1, "idempotency_key": "k1"},
    {"op": "add", "sku": "B", "location": "W2", "quantity": 2, "idempotency_key": "k1"},
    {"op": "remove", "sku": "B", "location": "W2", "quantity": 9, "idempotency_key": "k2"},
    {"op": "remove", "sku": "B", "location": "W2", "quantity": 1, "idempotency_key": "k2"}]'),
    '{applied,replayed,IV007,IV001,applied}', 'a key twice in one batch');
select is(test.outcomes('[{"op": "add", "sku": "B", "location": "W2", "quantity": 1, "idempotency_key": "k1"}]'), '{replayed}', 'and in another batch');
select is(test.outcomes('[{"op": "add", "sku": "B", "location": "W2", "quantity": 1, "idempotency_key": "k1"}]', 'somebody else'), '{applied}',
    'keys belong to their caller');
select is(test.level('B', 'W2'), '1 0 1 in_stock v3', 'each was applied once');
select api.upsert_item('B', status => 'archived');
select is(test.outcomes('[{"op": "add", "sku": "B", "location": "W2", "quantity": 1, "idempotency_key": "k1"}]'), '{replayed}',
    'a replay is answered though the item was archived since');
select api.upsert_item('B', status => 'active');

-- A reservation several times in one batch.
select is(test.outcomes('[
    {"op": "reserve", "sku": "B", "location": "W1", "quantity": 1, "reservation_id": "00000000-0000-0000-0000-000000000003"},
    {"op": "reserve", "sku": "B", "location": "W1", "quantity": 1, "reservation_id": "00000000-0000-0000-0000-000000000003"},
    {"op": "confirm", "reservation_id": "00000000-0000-0000-0000-000000000003"},
    {"op": "confirm", "reservation_id": "00000000-0000-0000-0000-000000000003"},
    {"op": "cancel", "reservation_id": "00000000-0000-0000-0000-000000000003"}]'), '{applied,IV014,applied,IV009,IV009}',
    'one reservation from its making to its end in one batch');

-- Expected versions follow the batch.
select is(test.level('B', 'W1'), '5 5 0 out_of_stock v5', 'a version to start from');
select is(test.outcomes('[
    {"op": "add", "sku": "B", "location": "W1", "quantity": 1, "expected_version": 5},
    {"op": "add", "sku": "B", "location": "W1", "quantity": 1, "expected_version": 5},
    {"op": "add", "sku": "B", "location": "W1", "quantity": 1, "expected_version": 6}]'), '{applied,IV006,applied}', 'a version changes within the batch');

-- Metadata of the batch.
select api.apply_commands('[{"op": "add", "sku": "B", "location": "W1", "quantity": 1}]', 'c', 'batch');
select is((select m.source from inventory.stock_movement as m join inventory.item as i on i.id = m.item_id where i.sku = 'B' and m.location_id = 'W1'
    order by m.version desc limit 1), 'batch', 'the source of the batch is the source of its commands');

-- Forms and bounds.
select is_empty($$ select * from api.apply_commands('[]') $$, 'no command, no row');
select throws_ok($$ select * from api.apply_commands('{}') $$, 'IV008', null, 'an object is refused');
select throws_ok($$ select * from api.apply_commands(null) $$, 'IV008', null, 'null is refused');
select throws_ok($$ select * from api.apply_commands('[]', source => repeat('s', 101)) $$, 'IV008', null, 'a source of 101 characters is refused');
select throws_ok($$ select * from api.apply_commands('[]', caller => repeat('c', 201)) $$, 'IV008', null, 'a caller of 201 characters is refused');
select throws_ok($$ select * from api.apply_commands((select jsonb_agg('{"op": "add", "sku": "B", "location": "W2", "quantity": 1}'::jsonb) from generate_series(1, 1001))) $$,
    'IV013', null, '1,001 commands are refused');
select is((select count(*) from api.apply_commands((select jsonb_agg('{"op": "add", "sku": "B", "location": "W2", "quantity": 1}'::jsonb) from generate_series(1, 1000)))
    where outcome = 'applied'), 1000::bigint, '1,000 commands are taken');
select is(test.level('B', 'W2'), '1001 0 1001 in_stock v1003', 'each with a version of its own');
select is(test.outcomes('[{"op": "quarantine", "sku": "B", "location": "W2", "quantity": 1, "expected_version": 1003.0},
    {"op": "remove", "sku": "B", "location": "W2", "quantity": 1, "expected_version": -0.0}]'), '{applied,IV006}', 'a version is a whole number, however it is written');

select is_empty('select * from test.broken_rules()', 'every invariant holds');
select * from finish();
rollback;
