-- Lots that have ended where somebody waits for stock, and units whose lot ends: what is not sellable is given to nobody.
begin;
select plan(19);
select test.make_catalogue();
select api.upsert_item('L', 'Lot item', tracking => 'lot');
select api.upsert_item('S', 'Serial item', tracking => 'serial');
update inventory.item set stock_policy = 'backorder' where sku = 'L';
create function pg_temp.run(command jsonb) returns text language sql as $$
    select coalesce(a.code, a.outcome) from api.apply_commands(jsonb_build_array(command)) as a
$$;
create function pg_temp.states() returns text language sql as $$
    select concat_ws(' ', s.on_hand, s.reserved, s.available, s.backordered, s.damaged) from api.get_stock_level('L', 'W1') as s
$$;

select is(pg_temp.run('{"op": "reserve", "sku": "L", "location": "W1", "quantity": 3, "reservation_id": "00000000-0000-0000-0000-000000000001"}'), 'applied', 'somebody waits for three');
select is((select a.answer -> 'levels' -> 0 ->> 'available' from api.apply_commands('[{"op": "add", "sku": "L", "location": "W1", "quantity": 4, "lot": "OLD", "lot_expires_at": "2020-01-01T00:00:00Z"}]') as a),
    '0', 'what comes in has expired: nothing of it is available');
select is(pg_temp.states(), '0 0 0 3 4', 'and whoever waits goes on waiting');
select is(pg_temp.run(jsonb_build_object('op', 'add', 'sku', 'L', 'location', 'W1', 'quantity', 2, 'lot', 'SHORT', 'lot_expires_at', clock_timestamp() + interval '600 milliseconds')),
    'applied', 'something that does not keep');
select is(pg_temp.states(), '2 2 0 1 4', 'is given to whoever waits');
select is(pg_temp.run('{"op": "reserve", "sku": "L", "location": "W1", "quantity": 2, "reservation_id": "00000000-0000-0000-0000-000000000002"}'), 'applied', 'another one waits');
select pg_sleep(0.64);
select is(pg_temp.run('{"op": "cancel", "reservation_id": "00000000-0000-0000-0000-000000000001"}'), 'applied', 'the first gives up what has expired');
select is(pg_temp.states(), '0 0 0 2 6', 'the other does not get it');
select is(pg_temp.run('{"op": "add", "sku": "L", "location": "W1", "quantity": 3, "lot": "GOOD"}'), 'applied', 'what is good');
select is(pg_temp.states(), '3 2 1 0 6', 'is given');
select results_eq($$ select l.code collate "default", r.quantity from inventory.reservation_lot as r join inventory.lot as l on l.id = r.lot_id where r.quantity > 0 $$,
    $$ values ('GOOD', 2::bigint) $$, 'the reservation knows its lot');
select is(test.outcomes('[{"op": "confirm", "reservation_id": "00000000-0000-0000-0000-000000000002"}]'), '{applied}', 'and is sold');

-- Units of a lot that expires.
select is(pg_temp.run(jsonb_build_object('op', 'add', 'sku', 'S', 'location', 'W1', 'quantity', 2, 'serials', array['S1', 'S2'], 'lot', 'BATCH',
    'lot_expires_at', clock_timestamp() + interval '600 milliseconds')), 'applied', 'units of a lot that does not keep');
select is(pg_temp.run('{"op": "add", "sku": "S", "location": "W1", "quantity": 1, "serials": ["S3"]}'), 'applied', 'and one without a lot');
select pg_sleep(0.64);
select is((select available from api.get_stock_level('S', 'W1')), 1::bigint, 'to the instant they are not for sale');
select is(pg_temp.run('{"op": "reserve", "sku": "S", "location": "W1", "quantity": 2}'), 'IV001', 'to anybody');
select is(test.outcomes('[{"op": "reserve", "sku": "S", "location": "W1", "quantity": 1, "reservation_id": "00000000-0000-0000-0000-000000000003"},
    {"op": "confirm", "reservation_id": "00000000-0000-0000-0000-000000000003"}]'), '{applied,applied}', 'the good one is');
select is((select string_agg(serial || ' ' || status, ',') from api.list_serials('S')), 'S1 damaged,S2 damaged,S3 shipped', 'each is what it is');
select is_empty('select * from test.broken_rules()', 'every invariant holds');
select * from finish();
rollback;
