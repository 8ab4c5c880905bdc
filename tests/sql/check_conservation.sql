-- api.check_conservation: nothing appears or vanishes unexplained. Each rule is broken on purpose once, behind the back of the functions.
begin;
select plan(39);
select test.make_catalogue();

-- A busy hour.
select * from api.add_stock('A', 'W1', 50);
select * from api.add_stock('B', 'W1', 50);
select * from api.set_stock_policy('B', 'W2', policy => 'backorder');
select * from api.move_stock('A', 'W1', 'W2', 5);
select api.apply_commands('[{"op": "move", "sku": "A", "from": "W1", "to": "W2", "quantity": 2}, {"op": "move", "sku": "A", "from": "W2", "to": "W1", "quantity": 1},
    {"op": "adjust", "sku": "A", "location": "W1", "quantity": -1, "reason": "count"}, {"op": "adjust", "sku": "A", "location": "W1", "quantity": 2, "reason_code": "found"}]');
select * from api.reserve_stock('B', 'W2', 3, reservation_id => '00000000-0000-0000-0000-000000000001');
select * from api.reserve_stock('A', 'W1', 4);
select api.apply_commands('[{"op": "ship", "sku": "A", "from": "W1", "to": "W2", "quantity": 10, "reference": "t1"},
    {"op": "ship", "sku": "B", "from": "W1", "to": "W2", "quantity": 10, "reference": "t2"}, {"op": "ship", "sku": "B", "from": "W1", "to": "SHUT", "quantity": 4, "reference": "t3"}]');
create function pg_temp.transfer(reference text) returns uuid language sql as $$ select t.id from inventory.transfer as t where t.reference = transfer.reference $$;
select api.apply_commands(jsonb_build_array(
    jsonb_build_object('op', 'receive', 'transfer_id', pg_temp.transfer('t1'), 'lines', '[{"sku": "A", "received": 6, "damaged": 1, "lost": 2}]'::jsonb),
    jsonb_build_object('op', 'receive', 'transfer_id', pg_temp.transfer('t2'), 'lines', '[{"sku": "B", "received": 10}]'::jsonb),
    jsonb_build_object('op', 'cancel_transfer', 'transfer_id', pg_temp.transfer('t3'))));
select api.apply_commands('[{"op": "write_off", "sku": "A", "location": "W2", "quantity": 1, "reason_code": "damaged"}, {"op": "quarantine", "sku": "B", "location": "W1", "quantity": 2},
    {"op": "return", "sku": "B", "location": "W1", "quantity": 1, "state": "damaged"}, {"op": "restore", "sku": "B", "location": "W1", "quantity": 1}]');
select * from api.upsert_items('[{"sku": "L", "name": "l", "tracking": "lot"}, {"sku": "N", "name": "n", "tracking": "serial"}]');
select test.outcomes('[{"op": "add", "sku": "L", "location": "W1", "quantity": 10, "lot": "L1"}, {"op": "reserve", "sku": "L", "location": "W1", "quantity": 3},
    {"op": "quarantine", "sku": "L", "location": "W1", "quantity": 2, "lot": "L1"}, {"op": "add", "sku": "N", "location": "W1", "quantity": 3, "serials": ["a", "b", "c"]},
    {"op": "quarantine", "sku": "N", "location": "W1", "quantity": 1, "serials": ["b"]}, {"op": "ship", "sku": "N", "from": "W1", "to": "SHUT", "quantity": 1, "serials": ["c"]}]');
select * from api.upsert_supplier('S', 'a supplier');
select test.outcomes('[{"op": "order", "supplier": "S", "location": "W1", "lines": [{"sku": "A", "quantity": 5}]}]');
select is((select array_agg(distinct t.status order by t.status) from inventory.transfer as t), '{CANCELLED,IN_TRANSIT,RECEIVED}', 'transfers of each kind');
select is_empty('select * from api.check_conservation()', 'nothing is lost');
select is_empty('select * from api.check_conservation(now())', 'nor since the beginning');
select is_empty('select * from api.check_conservation(clock_timestamp())', 'nor since now');
select is_empty('select * from api.check_ledger()', 'the ledger is whole');

-- Runs a change that no function would make, says what is found, and undoes it.
create function pg_temp.broken(change text, function text default 'check_conservation', since timestamptz default null) returns setof text language plpgsql as $$
declare
    v_found text[];
begin
    begin
        set local session_replication_role = replica;
        execute change;
        set local session_replication_role = origin;
        execute format('select array_agg(concat_ws('' '', f.rule, f.sku, f.location) order by f.rule, f.sku, f.location) from api.%I(%s) as f', function,
            case when since is not null then quote_literal(since) else '' end) into v_found;
        raise exception 'undone' using errcode = 'P0003';
    exception
        when sqlstate 'P0003' then null;
    end;
    return query select unnest(v_found);
end
$$;
create temporary table rule as select * from (values
    ('sum', 'the level is the sum of its ledger'), ('holds', 'reserved and backordered are what open reservation lines hold'),
    ('transit', 'in transit is what transfers have shipped and not settled'), ('open', 'a transfer is open as long as something of it is'),
    ('transfer', 'what a transfer has shipped has arrived, was lost, came back or is in transit'), ('type', 'a movement changes what its type may'),
    ('reason', 'what is adjusted, written off or lost has a reason'), ('move', 'what leaves one place in one step arrives in another'),
    ('incoming', 'incoming is what purchase orders have open'), ('lots', 'a level is the sum of its lots'), ('serials', 'a level is the count of its serial numbers'), ('values', 'values follow from those before and the deltas'), ('gap', 'versions have no gap')) as r (name, rule);
create function pg_temp.rules(variadic names text[]) returns setof text language sql as $$
    select concat_ws(' ', r.rule, nullif(split_part(n, ' ', 2), ''), nullif(split_part(n, ' ', 3), '')) from unnest(names) as n join rule as r on r.name = split_part(n, ' ', 1) order by 1
$$;
-- A level.
select results_eq($$ select * from pg_temp.broken('update inventory.stock_level set on_hand = on_hand + 1, available = available + 1 where location_id = ''W2'' and policy = ''deny''') $$,
    $$ select * from pg_temp.rules('sum A W2') $$, 'a level that was changed');
select results_eq($$ select * from pg_temp.broken('update inventory.stock_level set version = version + 1 where location_id = ''W2'' and policy = ''deny''') $$,
    $$ select * from pg_temp.rules('sum A W2') $$, 'or only its version');
select results_eq($$ select * from pg_temp.broken('update inventory.stock_level set damaged = damaged + 1 where location_id = ''W2'' and policy = ''deny''', since => now()) $$,
    $$ select * from pg_temp.rules('sum A W2') $$, 'since it last moved');
select is_empty($$ select * from pg_temp.broken('update inventory.stock_level set damaged = damaged + 1 where location_id = ''W2''', since => clock_timestamp()) $$, 'but not before');
select results_eq($$ select * from pg_temp.broken('delete from inventory.stock_level where location_id = ''SHUT'' and in_transit = 0') $$, $$ select * from pg_temp.rules('sum B SHUT') $$, 'a level that is gone');
select isnt_empty($$ select * from pg_temp.broken('delete from inventory.stock_movement where type = ''return''') $$, 'a movement that is gone');
-- Holds.
select results_eq($$ select * from pg_temp.broken('update inventory.reservation_line set quantity = quantity + 1 where location_id = ''W1''') $$,
    $$ select * from pg_temp.rules('holds A W1', 'holds L W1') $$, 'a hold that the level does not know of');
select results_eq($$ select * from pg_temp.broken('update inventory.reservation_line set status = ''RELEASED'' where location_id = ''W1''') $$,
    $$ select * from pg_temp.rules('holds A W1', 'holds L W1') $$, 'one that was freed beside it');
select results_eq($$ select * from pg_temp.broken('update inventory.reservation_line set backordered = 1, waiting_since = now() where location_id = ''W2''') $$,
    $$ select * from pg_temp.rules('holds B W2') $$, 'one that waits, and the level says it does not');
-- Transfers.
select results_eq($$ select * from pg_temp.broken('update inventory.transfer_line set lost = lost + 1 where transfer_id = pg_temp.transfer(''t1'')') $$,
    $$ select * from pg_temp.rules('transit A W2', 'transfer A W2', 'open  W2') $$, 'units that are called lost and are still in transit');
select results_eq($$ select * from pg_temp.broken('update inventory.transfer_line set received = received - 1 where transfer_id = pg_temp.transfer(''t2'')') $$,
    $$ select * from pg_temp.rules('transit B W2', 'transfer B W2', 'open  W2') $$, 'units that are called received and are not');
select results_eq($$ select * from pg_temp.broken('update inventory.transfer_line set returned = 3, lost = 1 where transfer_id = pg_temp.transfer(''t3'')') $$,
    $$ select * from pg_temp.rules('transfer B SHUT') $$, 'units that came back and are called lost');
select results_eq($$ select * from pg_temp.broken('update inventory.transfer set status = ''RECEIVED'' where reference = ''t1''') $$,
    $$ select * from pg_temp.rules('open  W2') $$, 'a transfer that is closed with units on the way');
select results_eq($$ select * from pg_temp.broken('update inventory.transfer set status = ''IN_TRANSIT'' where reference = ''t2''') $$,
    $$ select * from pg_temp.rules('open  W2') $$, 'one that is open with none');
-- Orders and lots.
select results_eq($$ select * from pg_temp.broken('update inventory.purchase_order_line set cancelled = cancelled + 1') $$,
    $$ select * from pg_temp.rules('incoming A W1') $$, 'units that were called off beside the level');
select results_eq($$ select * from pg_temp.broken('update inventory.lot_level set on_hand = on_hand + 1') $$,
    $$ select * from pg_temp.rules('lots L W1') $$, 'a lot that has more than the level');
select results_eq($$ select * from pg_temp.broken('update inventory.lot_level set reserved = reserved - 1', since => now()) $$,
    $$ select * from pg_temp.rules('lots L W1') $$, 'or holds less');
select results_eq($$ select * from pg_temp.broken('update inventory.serial set status = ''in_stock'' where serial = ''b''') $$,
    $$ select * from pg_temp.rules('serials N W1') $$, 'a serial number that is not what the level has');
select results_eq($$ select * from pg_temp.broken('update inventory.serial set location_id = ''W2'' where serial = ''c''') $$,
    $$ select * from pg_temp.rules('serials N SHUT') $$, 'or on its way to another place');
-- Movements.
select results_eq($$ select * from pg_temp.broken('update inventory.stock_movement set reason = null, reason_code = null where type = ''adjustment''') $$,
    $$ select * from pg_temp.rules('reason A W1', 'reason A W1') $$, 'adjustments without a reason');
select results_eq($$ select * from pg_temp.broken('update inventory.stock_movement set reason = null, reason_code = null where type in (''write_off'', ''transfer_loss'')') $$,
    $$ select * from pg_temp.rules('reason A W2', 'reason A W2') $$, 'so do write-offs and losses on the way');
select results_eq($$ select * from pg_temp.broken('update inventory.stock_movement set type = ''reserve'' where type = ''return''') $$,
    $$ select * from pg_temp.rules('type B W1') $$, 'a hold that brings stock');
select results_eq($$ select * from pg_temp.broken('update inventory.stock_movement set type = ''receipt'' where type = ''write_off''') $$,
    $$ select * from pg_temp.rules('type A W2') $$, 'a receipt that takes some');
select results_eq($$ select * from pg_temp.broken('update inventory.stock_movement set type = ''transfer_in'' where type = ''return''') $$,
    $$ select * from pg_temp.rules('move B ') $$, 'what arrives and has left nowhere');
select results_eq($$ select * from pg_temp.broken('update inventory.stock_movement set type = ''removal'' where type = ''transfer_out'' and location_id = ''W2''') $$,
    $$ select * from pg_temp.rules('move A ') $$, 'what arrives while its source says sold');
select is_empty($$ select * from pg_temp.broken('update inventory.stock_movement set type = ''reserve'' where type = ''return''', since => clock_timestamp()) $$, 'what was before is not asked');

-- The ledger itself.
select results_eq($$ select * from pg_temp.broken('update inventory.stock_movement set on_hand = on_hand + 1, available = available + 1 where type = ''write_off''', 'check_ledger') $$,
    $$ select * from pg_temp.rules('values A W2') $$, 'a value that does not follow');
select results_eq($$ select * from pg_temp.broken('update inventory.stock_movement set incoming = 1 where type = ''write_off''', 'check_ledger') $$,
    $$ select * from pg_temp.rules('values A W2') $$, 'of any state');
select results_eq($$ select * from pg_temp.broken('update inventory.stock_movement set damaged_delta = 7 where type = ''dispatch'' and location_id = ''SHUT'' and in_transit = 4', 'check_ledger') $$,
    $$ select * from pg_temp.rules('values B SHUT') $$, 'a delta that was changed, also the first');
select set_has($$ select * from pg_temp.broken('delete from inventory.stock_movement where type = ''transfer_in'' and location_id = ''W1''', 'check_ledger') $$,
    $$ select * from pg_temp.rules('gap A W1') $$, 'a version that is missing');
select set_has($$ select * from pg_temp.broken('delete from inventory.stock_movement where version = 1 and location_id = ''W1''', 'check_ledger') $$,
    $$ select * from pg_temp.rules('gap A W1', 'gap B W1', 'gap L W1', 'gap N W1') $$, 'also the first');
select api.raise_epoch('restored');
select * from api.add_stock('A', 'W1', 1);
select * from api.add_stock('A', 'SHUT', 1);
select is_empty('select * from api.check_ledger()', 'an epoch makes versions jump');
select is_empty('select * from api.check_conservation()', 'and loses nothing');
select is_empty('select * from test.broken_rules()', 'every invariant holds');
select * from finish();
rollback;
