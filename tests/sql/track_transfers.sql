-- Moves and transfers of tracked items: lots and serial numbers keep their identity, also where a transfer arrives short or damaged.
begin;
select plan(57);
select test.make_catalogue();
select api.upsert_item('L', 'Lot item', tracking => 'lot');
select api.upsert_item('S', 'Serial item', tracking => 'serial');
create function pg_temp.lots(location text) returns text language sql as $$
    select string_agg(concat(l.lot, ' ', l.on_hand, '/', l.reserved, '/', l.damaged), ', ' order by l.expires_at nulls last, l.received_at)
    from api.get_lots('L', lots.location) as l
$$;
create function pg_temp.run(command jsonb) returns text language sql as $$
    select coalesce(a.code, a.outcome) from api.apply_commands(jsonb_build_array(command)) as a
$$;
create function pg_temp.units(location text, status text default 'in_stock') returns text language sql as $$
    select string_agg(s.serial, ',' order by s.serial) from api.list_serials('S', units.location, units.status) as s
$$;
-- Ships from W1 to W2; the transfer is remembered under a name. Receives what has arrived of it.
create temporary table sent (name text primary key, id uuid);
create function pg_temp.ship(name text, lines jsonb) returns text language sql as $$
    with shipped as (select a.* from api.apply_commands(jsonb_build_array(jsonb_build_object('op', 'ship', 'from', 'W1', 'to', 'W2', 'lines', lines))) as a),
        kept as (insert into sent select ship.name, (s.answer ->> 'transfer_id')::uuid from shipped as s where s.code is null)
    select coalesce(s.code, s.outcome) from shipped as s
$$;
create function pg_temp.receive(name text, lines jsonb default null, complete boolean default null) returns text language sql as $$
    select pg_temp.run(jsonb_strip_nulls(jsonb_build_object('op', 'receive', 'transfer_id', s.id, 'lines', lines, 'complete', complete)))
    from sent as s where s.name = receive.name
$$;
create function pg_temp.fates(name text) returns text[] language sql as $$
    select array_agg(concat_ws(' ', t.code, l.shipped, l.received, l.damaged, l.lost, l.returned) order by t.code)
    from inventory.transfer_lot as l join inventory.lot as t on t.id = l.lot_id join sent as s on s.id = l.transfer_id
    where s.name = fates.name
$$;

select is(test.outcomes('[
    {"op": "add", "sku": "L", "location": "W1", "quantity": 4, "lot": "SOON", "lot_expires_at": "2090-01-01T00:00:00Z"},
    {"op": "add", "sku": "L", "location": "W1", "quantity": 10, "lot": "LATE", "lot_expires_at": "2095-01-01T00:00:00Z"},
    {"op": "add", "sku": "L", "location": "W1", "quantity": 10, "lot": "NEVER"},
    {"op": "add", "sku": "S", "location": "W1", "quantity": 8, "serials": ["S1", "S2", "S3", "S4", "S5", "S6", "S7", "S8"]}]'), '{applied,applied,applied,applied}', 'stock');

-- In one step.
select is(pg_temp.run('{"op": "move", "sku": "L", "from": "W1", "to": "W2", "quantity": 6}'), 'applied', 'a move');
select is(pg_temp.lots('W1') || ' | ' || pg_temp.lots('W2'), 'LATE 8/0/0, NEVER 10/0/0 | SOON 4/0/0, LATE 2/0/0', 'first expired first, the same lots arrive');
select is(pg_temp.run('{"op": "move", "sku": "L", "from": "W2", "to": "W1", "quantity": 2, "lot": "LATE"}'), 'applied', 'a move of a certain lot');
select is(pg_temp.lots('W1') || ' | ' || pg_temp.lots('W2'), 'LATE 10/0/0, NEVER 10/0/0 | SOON 4/0/0', 'takes that');
select is(pg_temp.run('{"op": "move", "sku": "L", "from": "W2", "to": "W1", "quantity": 1, "lot": "LATE"}'), 'IV001', 'if it is there');
select is(pg_temp.run('{"op": "move", "sku": "L", "from": "W2", "to": "W1", "quantity": 1, "lot": "X"}'), 'IV021', 'and known');
select is((select api.move_stock('L', 'W2', 'W1', 4) is not null limit 1), true, 'by the function') ;
select is(pg_temp.lots('W1'), 'SOON 4/0/0, LATE 10/0/0, NEVER 10/0/0', 'all is back');
select is(pg_temp.run('{"op": "move", "sku": "S", "from": "W1", "to": "W2", "quantity": 1}'), 'IV023', 'a move of units names them');
select is(pg_temp.run('{"op": "move", "sku": "S", "from": "W1", "to": "W2", "quantity": 2, "serials": ["S1", "S2"]}'), 'applied', 'then they move');
select is(pg_temp.units('W1') || ' | ' || pg_temp.units('W2'), 'S3,S4,S5,S6,S7,S8 | S1,S2', 'they lie there now');
select is(pg_temp.run('{"op": "move", "sku": "S", "from": "W1", "to": "W2", "quantity": 1, "serials": ["S1"]}'), 'IV025', 'and not here');
select results_eq($$ select type, became, at_location from api.find_serial('S', 'S1') limit 2 $$, $$ values ('transfer_in', 'in_stock', 'W2'), ('transfer_out', 'in_transit', 'W1') $$, 'the history has both steps');
select is(test.outcomes('[{"op": "move", "from": "W1", "to": "W2", "lines": [{"sku": "L", "quantity": 1}, {"sku": "S", "quantity": 1, "serials": ["S3"]}]},
    {"op": "move", "from": "W2", "to": "W1", "lines": [{"sku": "L", "quantity": 1}, {"sku": "S", "quantity": 3, "serials": ["S1", "S2", "S3"]}]}]'), '{applied,applied}', 'several lines, there and back');

-- A hold that is moved holds the lots of the other place.
select is(test.outcomes('[{"op": "move", "sku": "L", "from": "W1", "to": "W2", "quantity": 3, "lot": "NEVER"},
    {"op": "reserve", "sku": "L", "location": "W1", "quantity": 2, "reservation_id": "00000000-0000-0000-0000-000000000001"},
    {"op": "relocate", "reservation_id": "00000000-0000-0000-0000-000000000001", "to": "W2"}]'), '{applied,applied,applied}', 'a hold is moved');
select is(pg_temp.lots('W1') || ' | ' || pg_temp.lots('W2'), 'SOON 4/0/0, LATE 10/0/0, NEVER 7/0/0 | NEVER 3/2/0', 'it holds what is there');
select is(test.outcomes('[{"op": "cancel", "reservation_id": "00000000-0000-0000-0000-000000000001"},
    {"op": "move", "sku": "L", "from": "W2", "to": "W1", "quantity": 3}]'), '{applied,applied}', 'all is back again');

-- In two steps: what is on the way belongs to its lots.
select is(pg_temp.ship('whole', '[{"sku": "L", "quantity": 5}]'), 'applied', 'shipped');
select is(pg_temp.fates('whole'), '{"LATE 1 0 0 0 0","SOON 4 0 0 0 0"}', 'first expired first');
select is((select in_transit from api.get_stock_level('L', 'W2')), 5::bigint, 'on the way');
select results_eq($$ select kind, location, quantity, status from api.trace_lot('L', 'SOON', 0) $$, $$ values ('transfer', 'W2', 4::bigint, 'in_transit') $$, 'the trace finds it there');
select is(pg_temp.receive('whole'), 'applied', 'received');
select is(pg_temp.lots('W1') || ' | ' || pg_temp.lots('W2'), 'LATE 9/0/0, NEVER 10/0/0 | SOON 4/0/0, LATE 1/0/0', 'the same lots arrive');
select is(pg_temp.fates('whole'), '{"LATE 1 1 0 0 0","SOON 4 4 0 0 0"}', 'all of it');

-- Short and damaged.
select is(pg_temp.ship('short', '[{"sku": "L", "quantity": 12}]'), 'applied', 'twelve are shipped');
select is(pg_temp.receive('short', '[{"sku": "L", "received": 6, "damaged": 4}]'), 'applied', 'six arrive in order, four damaged');
select is(pg_temp.fates('short'), '{"LATE 9 6 3 0 0","NEVER 3 0 1 0 0"}', 'unless it is said which: in the order of their dates, damaged last');
select is(pg_temp.receive('short', '[{"sku": "L", "lost": 1}]'), 'applied', 'one is lost');
select is(pg_temp.fates('short'), '{"LATE 9 6 3 0 0","NEVER 3 0 1 1 0"}', 'of what is still on the way');
select is(pg_temp.receive('short', '[{"sku": "L", "received": 1, "lot": "LATE"}]'), 'IV023', 'of that lot nothing is on the way');
select is(pg_temp.receive('short', '[{"sku": "L", "received": 1, "lot": "NEVER"}]'), 'applied', 'of this one is');
select is(pg_temp.lots('W2'), 'SOON 4/0/0, LATE 7/0/3, NEVER 1/0/1', 'all that arrived is there');
select is((select t.status from inventory.transfer as t join sent as s on s.id = t.id where s.name = 'short'), 'RECEIVED', 'nothing is left of it');
select is(pg_temp.ship('lots', '[{"sku": "L", "quantity": 2, "lot": "NEVER"}]'), 'applied', 'a certain lot is shipped');
select is(pg_temp.receive('lots', '[{"sku": "L", "damaged": 1}]', true), 'applied', 'one arrives damaged, the other never');
select is(pg_temp.fates('lots'), '{"NEVER 2 0 1 1 0"}', 'and that is written');
select is(pg_temp.ship('back', '[{"sku": "L", "quantity": 3}]'), 'applied', 'shipped');
select is(pg_temp.receive('back', '[{"sku": "L", "received": 1}]'), 'applied', 'received in part');
select is(pg_temp.run(jsonb_build_object('op', 'cancel_transfer', 'transfer_id', s.id)), 'applied', 'and called back') from sent as s where s.name = 'back';
select is(pg_temp.fates('back'), '{"NEVER 3 1 0 0 2"}', 'the lots go back');
select is(pg_temp.lots('W1'), 'NEVER 4/0/0', 'where they came from');

-- A lot that expires on the way arrives, but is not for sale.
select is(pg_temp.run(jsonb_build_object('op', 'add', 'sku', 'L', 'location', 'W1', 'quantity', 1, 'lot', 'MILK', 'lot_expires_at', clock_timestamp() + interval '400 milliseconds')), 'applied', 'something that does not keep');
select is(pg_temp.ship('milk', '[{"sku": "L", "quantity": 1}]'), 'applied', 'is shipped');
select pg_sleep(0.44);
select is(pg_temp.receive('milk'), 'applied', 'and arrives late');
select is((select available from api.get_stock_level('L', 'W2')), 13::bigint, 'it is not for sale');
select is((select damaged from api.get_lots('L', 'W2') where lot = 'MILK'), 1::bigint, 'whether or not that is written');

-- Units.
select is(pg_temp.ship('units', '[{"sku": "S", "quantity": 5, "serials": ["S1", "S2", "S3", "S4", "S5"]}]'), 'applied', 'five units are shipped');
select is(pg_temp.units('W2', 'in_transit'), 'S1,S2,S3,S4,S5', 'they are on their way there');
select is(pg_temp.run('{"op": "add", "sku": "S", "location": "W1", "quantity": 1, "serials": ["S1"]}'), 'IV024', 'and nowhere else');
select is(pg_temp.receive('units', '[{"sku": "S", "received": 2}]'), 'IV023', 'some of them must be named');
select is(pg_temp.receive('units', '[{"sku": "S", "received": 1, "serials": ["S6"]}]'), 'IV025', 'those that are on the way');
select is(pg_temp.receive('units', '[{"sku": "S", "received": 1, "damaged": 1, "lost": 1, "serials": ["S4", "S2", "S3"]}]'), 'applied', 'in order, damaged, lost: named in this order');
select is(concat_ws(' | ', pg_temp.units('W2'), pg_temp.units('W2', 'damaged'), pg_temp.units('W2', 'in_transit'), pg_temp.units(null, 'removed')), 'S4 | S2 | S1,S5 | S3', 'each has its fate');
select is(pg_temp.run(jsonb_build_object('op', 'cancel_transfer', 'transfer_id', s.id)), 'applied', 'the rest is called back') from sent as s where s.name = 'units';
select is(pg_temp.units('W1'), 'S1,S5,S6,S7,S8', 'and lies where it was');

select is_empty('select * from test.broken_rules()', 'every invariant holds');
select * from finish();
rollback;
