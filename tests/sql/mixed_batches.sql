-- Batches of plain and special commands: decided in the order given, each as if it had come alone; a refused one changes nothing and leaves its
-- neighbours alone.
begin;
select plan(41);
select api.upsert_items('[{"sku": "A", "name": "a"}, {"sku": "B", "name": "b"}, {"sku": "Q", "name": "q"}, {"sku": "EBOOK", "name": "e", "kind": "digital"}, {"sku": "KIT", "name": "k", "kind": "bundle"}]');
select api.upsert_locations('[{"id": "W1"}, {"id": "W2"}, {"id": "SHUT", "status": "closed"}]');
select api.set_bundle('KIT', '[{"sku": "A", "quantity": 1}, {"sku": "B", "quantity": 1}]'), api.set_item_units('A', '[{"unit": "CASE", "quantity": 6}]'), api.set_default_policy('Q', policy => 'backorder');
select * from api.add_stock('A', 'W1', 10);
create function pg_temp.r(n integer) returns text language sql as $$ select '00000000-0000-0000-0000-0000000000' || lpad(n::text, 2, '0') $$;
create function pg_temp.run(commands text) returns text[] language sql as $$ select test.outcomes(replace(commands, 'R-', '00000000-0000-0000-0000-0000000000')::jsonb) $$;

-- In order: what one command leaves is what the next one finds.
select is(pg_temp.run('[{"op": "remove", "sku": "A", "location": "W1", "quantity": 4}, {"op": "quarantine", "sku": "A", "location": "W1", "quantity": 5}, {"op": "remove", "sku": "A", "location": "W1", "quantity": 2},
    {"op": "restore", "sku": "A", "location": "W1", "quantity": 5}, {"op": "remove", "sku": "A", "location": "W1", "quantity": 6}, {"op": "restore", "sku": "A", "location": "W1", "quantity": 1}]'),
    '{applied,applied,IV001,applied,applied,IV001}', 'plain and special by turns');
select is(test.movements('A', 'W1'), '{receipt 10/0/0/0/0/0,removal -4/0/0/0/0/0,quarantine -5/0/0/0/5/0,restore 5/0/0/0/-5/0,removal -6/0/0/0/0/0}', 'the ledger has them in that order');
select is((select array_agg(a.ordinal order by a.ordinal) from api.apply_commands('[{"op": "add", "sku": "A", "location": "W1", "quantity": 1}, {"op": "nonsense"}, {"op": "return", "sku": "A", "location": "W1", "quantity": 1}, {"op": "add", "sku": "B", "location": "W1", "quantity": 9}]') as a),
    '{0,1,2,3}', 'each is answered once');
select is(test.states('A', 'W1') || ', ' || test.states('B', 'W1'), '2/0/0/0/0/0 v7, 9/0/0/0/0/0 v1', 'with its version');
select is((select array_agg((a.answer -> 'levels' -> 0 -> 'version')::text order by a.ordinal) from api.apply_commands('[{"op": "add", "sku": "A", "location": "W1", "quantity": 1}, {"op": "return", "sku": "A", "location": "W1", "quantity": 1},
    {"op": "add", "sku": "A", "location": "W1", "quantity": 1}, {"op": "add", "sku": "A", "location": "W1", "quantity": 1, "unit": "CASE"}, {"op": "remove", "sku": "A", "location": "W1", "quantity": 11}]') as a), '{8,9,10,11,12}', 'versions follow one another');

-- A refused special command, of whatever kind, leaves nothing behind.
select is(pg_temp.run('[{"op": "add", "sku": "A", "location": "W1", "quantity": 5}, {"op": "return", "lines": [{"sku": "A", "location": "W1", "quantity": 1}, {"sku": "NONE", "location": "W1", "quantity": 1}]},
    {"op": "ship", "from": "W1", "to": "W2", "lines": [{"sku": "A", "quantity": 1}, {"sku": "B", "quantity": 10}]}, {"op": "reserve", "sku": "KIT", "location": "W1", "quantity": 6, "reservation_id": "R-01"},
    {"op": "reserve", "sku": "A", "quantity": 99, "strategy": "priority"}, {"op": "receive", "transfer_id": "R-01"}, {"op": "relocate", "reservation_id": "R-01", "to": "W2"}, {"op": "adjust", "sku": "A", "location": "W1", "quantity": 1, "reason_code": "whim"},
    {"op": "add", "sku": "A", "location": "W1", "quantity": 1, "unit": "BOX"}, {"op": "move", "from": "W1", "to": "SHUT", "lines": [{"sku": "A", "quantity": 1}]}, {"op": "remove", "sku": "A", "location": "W1", "quantity": 5}]'),
    '{applied,IV003,IV001,IV001,IV001,IV018,IV005,IV026,IV015,IV011,applied}', 'refused ones between others');
select is(test.states('A', 'W1') || ', ' || test.states('B', 'W1'), '0/0/0/0/0/0 v14, 9/0/0/0/0/0 v1', 'did nothing');
select is((select count(*) from inventory.transfer) + (select count(*) from inventory.reservation) + (select count(*) from inventory.reservation_line), 0::bigint, 'and left no papers');
select is((select count(*) from inventory.stock_level as s where s.location_id = 'W2'), 0::bigint, 'nor empty levels');
select is(pg_temp.run('[{"op": "ship", "from": "W1", "to": "W2", "sku": "A", "quantity": 1}, {"op": "add", "sku": "A", "location": "W1", "quantity": 3}, {"op": "ship", "from": "W1", "to": "W2", "sku": "A", "quantity": 1}]'), '{IV001,applied,applied}',
    'what was refused before may be accepted after');

-- What a command of the batch made, a later one of it uses.
select is(pg_temp.run('[{"op": "reserve", "sku": "B", "location": "W1", "quantity": 2, "reservation_id": "R-01"}, {"op": "confirm", "reservation_id": "R-01"}, {"op": "confirm", "reservation_id": "R-01"}]'), '{applied,applied,IV009}', 'plain: reserved and confirmed');
select is(pg_temp.run('[{"op": "reserve", "sku": "KIT", "location": "W1", "quantity": 2, "reservation_id": "R-02"}, {"op": "add", "sku": "B", "location": "W1", "quantity": 1}, {"op": "confirm", "reservation_id": "R-02"},
    {"op": "reserve", "sku": "Q", "location": "W1", "quantity": 2, "reservation_id": "R-03"}, {"op": "confirm", "reservation_id": "R-03"}, {"op": "add", "sku": "Q", "location": "W1", "quantity": 2}, {"op": "confirm", "reservation_id": "R-03"}]'),
    '{applied,applied,applied,applied,IV020,applied,applied}', 'special: a bundle; and one that waits until the stock is there');
select is(test.states('A', 'W1') || ', ' || test.states('B', 'W1') || ', ' || test.states('Q', 'W1'), '0/0/0/0/0/0 v18, 6/0/0/0/0/0 v6, 0/0/0/0/0/0 backorder v4', 'all of it is sold');
select is(pg_temp.run('[{"op": "reserve", "sku": "Q", "location": "W1", "quantity": 2, "reservation_id": "R-04"}, {"op": "cancel", "reservation_id": "R-04"}, {"op": "add", "sku": "B", "location": "W2", "quantity": 1},
    {"op": "reserve", "sku": "B", "quantity": 7, "strategy": "priority", "reservation_id": "R-05"}, {"op": "relocate", "reservation_id": "R-05", "from": "W2", "to": "W1"}, {"op": "cancel", "reservation_id": "R-05"},
    {"op": "reserve", "sku": "B", "quantity": 7, "strategy": "priority", "reservation_id": "R-05"}]'), '{applied,applied,applied,applied,IV001,applied,IV014}', 'a reservation and all that becomes of it');
select is(pg_temp.run('[{"op": "reserve", "sku": "B", "location": "W1", "quantity": 6, "owner": "o", "reservation_id": "R-06"}, {"op": "reserve", "sku": "B", "location": "W1", "quantity": 5, "owner": "o", "replace": true, "reservation_id": "R-07"},
    {"op": "remove", "sku": "B", "location": "W1", "quantity": 1}, {"op": "confirm", "reservation_id": "R-06"}, {"op": "confirm", "reservation_id": "R-07"}]'), '{applied,applied,applied,IV009,applied}', 'replaced and sold');
select is(test.states('B', 'W1'), '0/0/0/0/0/0 v13', 'to the last');

-- Opposite moves, plain and special, and through a third place.
select * from api.add_stock('B', 'W1', 5);
select is(pg_temp.run('[{"op": "move", "sku": "B", "from": "W1", "to": "W2", "quantity": 5}, {"op": "move", "sku": "B", "from": "W2", "to": "W1", "quantity": 6}, {"op": "move", "sku": "B", "from": "W2", "to": "W1", "quantity": 1}]'),
    '{applied,applied,IV001}', 'opposite moves');
select is(pg_temp.run('[{"op": "move", "from": "W1", "to": "W2", "lines": [{"sku": "B", "quantity": 6}]}, {"op": "move", "sku": "B", "from": "W2", "to": "W1", "quantity": 2}, {"op": "move", "from": "W2", "to": "W1", "lines": [{"sku": "B", "quantity": 4}, {"sku": "A", "quantity": 1}]},
    {"op": "move", "from": "W2", "to": "W1", "lines": [{"sku": "B", "quantity": 1}, {"sku": "B", "quantity": 3}]}]'), '{applied,applied,IV001,applied}', 'also several lines in one step');
select is(test.states('B', 'W1') || ', ' || test.states('B', 'W2'), '6/0/0/0/0/0 v19, 0/0/0/0/0/0 v8', 'nothing is lost');
select is(pg_temp.run('[{"op": "ship", "sku": "B", "from": "W1", "to": "W2", "quantity": 4}, {"op": "move", "sku": "B", "from": "W1", "to": "W2", "quantity": 2}, {"op": "ship", "sku": "B", "from": "W2", "to": "W1", "quantity": 2}, {"op": "move", "sku": "B", "from": "W2", "to": "W1", "quantity": 1}]'),
    '{applied,applied,applied,IV001}', 'what is on its way is at neither end');

-- Idempotency keys.
create temporary table first as select * from api.apply_commands(replace('[{"op": "return", "sku": "A", "location": "W1", "quantity": 3, "idempotency_key": "k1"}, {"op": "add", "sku": "A", "location": "W1", "quantity": 3, "idempotency_key": "k2"},
    {"op": "ship", "sku": "A", "from": "W1", "to": "W2", "quantity": 2, "idempotency_key": "k3"}, {"op": "reserve", "sku": "Q", "location": "W1", "quantity": 3, "idempotency_key": "k4"}, {"op": "reserve", "sku": "KIT", "location": "W1", "quantity": 100, "idempotency_key": "k5"}]',
    'R-', '00000000-0000-0000-0000-0000000000')::jsonb, 'caller');
select is((select array_agg(coalesce(f.code, f.outcome) order by f.ordinal) from first as f), '{applied,applied,applied,applied,IV001}', 'keyed commands');
create temporary table second as select * from api.apply_commands('[{"op": "return", "sku": "A", "location": "W1", "quantity": 3, "idempotency_key": "k1"}, {"op": "add", "sku": "A", "location": "W1", "quantity": 3, "idempotency_key": "k2"},
    {"op": "ship", "sku": "A", "from": "W1", "to": "W2", "quantity": 2, "idempotency_key": "k3"}, {"op": "reserve", "sku": "Q", "location": "W1", "quantity": 3, "idempotency_key": "k4"}, {"op": "reserve", "sku": "KIT", "location": "W1", "quantity": 100, "idempotency_key": "k5"}]', 'caller');
select is((select array_agg(coalesce(s.code, s.outcome) order by s.ordinal) from second as s), '{replayed,replayed,replayed,replayed,IV001}', 'are replayed; a refusal is decided anew');
select is((select count(*) from first as f join second as s on s.ordinal = f.ordinal and s.answer = f.answer), 4::bigint, 'with the answers of then, ids and all');
select is(test.states('A', 'W1'), '4/0/0/0/0/0 v21', 'and nothing more');
select is((select array_agg(coalesce(a.code, a.outcome) order by a.ordinal) from api.apply_commands('[{"op": "return", "sku": "A", "location": "W1", "quantity": 4, "idempotency_key": "k1"}, {"op": "add", "sku": "A", "location": "W1", "quantity": 3, "unit": "CASE", "idempotency_key": "k2"},
    {"op": "add", "sku": "A", "location": "W1", "quantity": 1, "idempotency_key": "k3"}, {"op": "return", "sku": "A", "location": "W1", "quantity": 3, "idempotency_key": "k1"}]', 'caller') as a), '{IV007,IV007,IV007,replayed}', 'another request under a key is refused');
select is((select a.detail ->> 'field' from api.apply_commands('[{"op": "return", "sku": "A", "location": "W1", "quantity": 4, "idempotency_key": "k1"}]', 'caller') as a), 'idempotency_key', 'the detail names the key');
select is((select array_agg(coalesce(a.code, a.outcome) order by a.ordinal) from api.apply_commands('[{"op": "return", "sku": "A", "location": "W1", "quantity": 3, "idempotency_key": "k1"}]', 'another caller') as a), '{applied}', 'keys are those of a caller');
select is(pg_temp.run('[{"op": "return", "sku": "A", "location": "W1", "quantity": 1, "idempotency_key": "twice"}, {"op": "return", "sku": "A", "location": "W1", "quantity": 1, "idempotency_key": "twice"},
    {"op": "add", "sku": "A", "location": "W1", "quantity": 1, "idempotency_key": "twice"}]'), '{applied,replayed,IV007}', 'one key twice in a batch');
select is(pg_temp.run('[{"op": "restore", "sku": "A", "location": "W1", "quantity": 1, "idempotency_key": "later"}, {"op": "return", "sku": "A", "location": "W1", "quantity": 1, "state": "damaged"},
    {"op": "restore", "sku": "A", "location": "W1", "quantity": 1, "idempotency_key": "later"}]'), '{IV001,applied,applied}', 'what was refused under a key may be accepted under it later');
select is((select (a.answer - 'x') = (b.answer - 'x') from api.apply_commands('[{"op": "ship", "sku": "A", "from": "W1", "to": "W2", "quantity": 1, "idempotency_key": "trace", "correlation_id": "c1", "traceparent": "t1"}]') as a,
    api.apply_commands('[{"op": "ship", "sku": "A", "from": "W1", "to": "W2", "quantity": 1, "idempotency_key": "trace", "correlation_id": "c2", "traceparent": "t2"}]') as b), true, 'a retry may have another trace');

-- Compare-and-set.
select is(test.states('A', 'W1'), '8/0/0/0/0/0 v26', 'version 26');
select is(pg_temp.run('[{"op": "quarantine", "sku": "A", "location": "W1", "quantity": 1, "expected_version": 25}, {"op": "quarantine", "sku": "A", "location": "W1", "quantity": 1, "expected_version": 26}, {"op": "add", "sku": "A", "location": "W1", "quantity": 1, "expected_version": 26},
    {"op": "add", "sku": "A", "location": "W1", "quantity": 1, "expected_version": 27}, {"op": "write_off", "sku": "A", "location": "W1", "quantity": 1, "reason": "r", "expected_version": 28}, {"op": "add", "sku": "A", "location": "W1", "quantity": 1, "unit": "CASE", "expected_version": 28}]'),
    '{IV006,applied,IV006,applied,applied,IV006}', 'each command sees the version that the one before it made');
select is((select a.detail from api.apply_commands('[{"op": "quarantine", "sku": "A", "location": "W1", "quantity": 1, "expected_version": 25}, {"op": "nonsense"}]') as a where a.ordinal = 0), '{"sku": "A", "location": "W1", "version": 29}', 'the detail has that of now');
select is(pg_temp.run('[{"op": "return", "sku": "EBOOK", "location": "W2", "quantity": 1, "expected_version": 1}, {"op": "return", "sku": "EBOOK", "location": "W2", "quantity": 1, "expected_version": 0}, {"op": "return", "sku": "EBOOK", "location": "W2", "quantity": 1, "expected_version": 0},
    {"op": "add", "sku": "EBOOK", "location": "W2", "quantity": 1, "expected_version": 1}]'), '{IV006,applied,IV006,applied}', '0: no row yet');

-- Of several kinds of item at once.
select is(pg_temp.run('[{"op": "add", "lines": [{"sku": "A", "location": "W1", "quantity": 1}, {"sku": "EBOOK", "location": "W1", "quantity": 1}, {"sku": "Q", "location": "W1", "quantity": 1}]}, {"op": "remove", "lines": [{"sku": "EBOOK", "location": "W1", "quantity": 5}, {"sku": "Q", "location": "W1", "quantity": 5}]},
    {"op": "reserve", "lines": [{"sku": "EBOOK", "location": "W1", "quantity": 5}, {"sku": "KIT", "location": "W1", "quantity": 1}]}, {"op": "reserve", "lines": [{"sku": "EBOOK", "location": "W1", "quantity": 5}, {"sku": "A", "location": "W1", "quantity": 1}]}]'),
    '{applied,IV001,IV001,applied}', 'lines of plain, digital and backordered items');
select is(test.states('EBOOK', 'W1') || ', ' || test.states('Q', 'W1'), '1/5/0/0/0/0 unlimited v2, 1/1/0/2/0/0 backorder v9', 'all or nothing');

-- A reservation of a plain item whose level became special since: its policy changed.
select * from api.reserve_stock('A', 'W1', 1, reservation_id => pg_temp.r(20)::uuid);
select * from api.set_stock_policy('A', 'W1', policy => 'backorder');
select is(pg_temp.run('[{"op": "confirm", "reservation_id": "R-20"}, {"op": "add", "sku": "B", "location": "W2", "quantity": 1}, {"op": "reserve", "sku": "A", "location": "W1", "quantity": 100, "reservation_id": "R-21"}, {"op": "remove", "sku": "A", "location": "W1", "quantity": 1}]'),
    '{applied,applied,applied,IV001}', 'the policy of now counts');
select * from api.set_stock_policy('A', 'W1', policy => 'deny');
select is(pg_temp.run('[{"op": "add", "sku": "A", "location": "W1", "quantity": 7}, {"op": "remove", "sku": "A", "location": "W1", "quantity": 1}, {"op": "cancel", "reservation_id": "R-21"}, {"op": "remove", "sku": "A", "location": "W1", "quantity": 1}]'), '{applied,IV001,applied,applied}',
    'who waits is served first, whatever the policy is by now');

-- A long one.
select is((select string_agg(distinct coalesce(a.code, a.outcome), ' ') from api.apply_commands((select jsonb_agg(case n % 4 when 0 then '{"op": "add", "sku": "B", "location": "W2", "quantity": 2}'::jsonb
        when 1 then '{"op": "quarantine", "sku": "B", "location": "W2", "quantity": 1}' when 2 then '{"op": "remove", "sku": "B", "location": "W2", "quantity": 1}' else '{"op": "write_off", "sku": "B", "location": "W2", "quantity": 1, "reason": "r"}' end)
    from generate_series(0, 399) as n)) as a), 'applied', '400 commands by turns');
select throws_ok($$ select * from api.apply_commands((select jsonb_agg('{"op": "return", "sku": "A", "location": "W1", "quantity": 1}'::jsonb) from generate_series(1, 1001))) $$, 'IV013', null, '1,001 are refused');
select is_empty('select * from test.broken_rules()', 'every invariant holds');
select * from finish();
rollback;
