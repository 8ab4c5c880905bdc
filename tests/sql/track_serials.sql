-- Items whose units have serial numbers: one place at a time, and a history. api.find_serial, api.list_serials, api.get_tracked_units.
begin;
select plan(75);
select test.make_catalogue();
select api.upsert_item('S', 'Serial item', tracking => 'serial');
create function pg_temp.run(command jsonb) returns text language sql as $$
    select coalesce(a.code, a.outcome) from api.apply_commands(jsonb_build_array(command)) as a
$$;
create function pg_temp.refused(command jsonb) returns jsonb language sql as $$
    select a.detail || jsonb_build_object('code', a.code) from api.apply_commands(jsonb_build_array(command)) as a
$$;
-- An operation on one line, with these serial numbers.
create function pg_temp.op(op text, quantity integer, serials text[] default null, more jsonb default '{}') returns text language sql as $$
    select pg_temp.run(jsonb_strip_nulls(jsonb_build_object('op', op, 'sku', 'S', 'location', 'W1', 'quantity', quantity, 'serials', serials, 'reason', 'test')) || more)
$$;
create function pg_temp.at(status text, location text default 'W1') returns text language sql as $$
    select string_agg(s.serial, ',' order by s.serial) from api.list_serials('S', at.location, at.status) as s
$$;

-- Receipts name each unit.
select is(pg_temp.op('add', 3, '{S1,S2,S3}'), 'applied', 'three units come in');
select is(pg_temp.op('add', 1, '{S0}'), 'applied', 'and a younger one');
select is(pg_temp.at('in_stock'), 'S0,S1,S2,S3', 'they are in stock');
select is(pg_temp.op('add', 1), 'IV023', 'a receipt without serial numbers is refused');
select is(pg_temp.refused('{"op": "add", "sku": "S", "location": "W1", "quantity": 2, "serials": ["S4"]}'),
    '{"code": "IV023", "sku": "S", "location": "W1", "field": "serials", "problem": "must name each unit", "requested": 2, "named": 1}', 'so is one with too few');
select is(pg_temp.op('add', 1, '{S4,S5}'), 'IV023', 'or too many');
select is(pg_temp.op('add', 2, '{S4,S4}'), 'IV023', 'or one twice');
select is(pg_temp.op('add', 1, '{}'), 'IV008', 'no number is malformed');
select is(pg_temp.op('add', 1, array[repeat('s', 101)]), 'IV008', 'one of 101 characters too');
select is(pg_temp.refused('{"op": "add", "sku": "S", "location": "W2", "quantity": 2, "serials": ["S1", "S4"]}'),
    '{"code": "IV024", "sku": "S", "location": "W2", "serials": ["S1"]}', 'a number that is in stock does not come in elsewhere');
select is(pg_temp.run('{"op": "add", "sku": "S", "location": "W2", "quantity": 1, "serials": ["s1"]}'), 'applied', 'numbers are case-sensitive');
select throws_ok($$ insert into inventory.serial (item_id, serial, status, received_at, version, updated_at)
    select i.id, 'S1', 'removed', now(), 1, now() from inventory.item as i where i.sku = 'S' $$, '23505', null, 'and unique by constraint');

-- Out of stock and between the buckets: named.
select is(pg_temp.op('remove', 1), 'IV023', 'a removal names its units');
select is(pg_temp.op('remove', 1, '{S9}'), 'IV025', 'which must exist');
select is(pg_temp.op('remove', 1, '{s1}'), 'IV025', 'and lie there');
select is(pg_temp.op('remove', 1, '{S1}'), 'applied', 'then they are removed');
select is(pg_temp.op('remove', 1, '{S1}'), 'IV025', 'once');
select is(pg_temp.op('quarantine', 1, '{S2}'), 'applied', 'quarantined');
select is(pg_temp.at('damaged') || ' ' || pg_temp.at('in_stock'), 'S2 S0,S3', 'the unit is damaged');
select is(pg_temp.op('remove', 1, '{S2}'), 'IV025', 'and not in stock');
select is(pg_temp.op('restore', 1, '{S3}'), 'IV025', 'what is not damaged is not restored');
select is(pg_temp.op('restore', 1, '{S2}'), 'applied', 'restored');
select is(pg_temp.op('write_off', 1, '{S2}', '{"state": "on_hand"}'), 'applied', 'written off');
select is(pg_temp.op('adjust', -1, '{S3}'), 'applied', 'lost');
select is(pg_temp.op('adjust', 1, '{S3}'), 'applied', 'and found');
select is(pg_temp.op('add', 2, '{S1,S2}'), 'applied', 'what was removed may be received again');
select is(pg_temp.at('in_stock'), 'S0,S1,S2,S3', 'all four are in stock');

-- A reservation holds a quantity; the oldest units are sold, or those that are named.
select is(pg_temp.op('reserve', 2, null, '{"reservation_id": "00000000-0000-0000-0000-000000000001"}'), 'applied', 'two are reserved');
select is((select count(*) from api.list_serials('S') where reservation_id is not null), 0::bigint, 'but not certain ones');
select is(pg_temp.run('{"op": "confirm", "reservation_id": "00000000-0000-0000-0000-000000000001"}'), 'applied', 'sold');
select is(pg_temp.at('in_stock'), 'S1,S2', 'the oldest are gone: received first, or found again first');
select results_eq($$ select serial, status, location, reservation_id from api.list_serials('S', status => 'shipped') $$,
    $$ values ('S0', 'shipped', null, '00000000-0000-0000-0000-000000000001'::uuid), ('S3', 'shipped', null, '00000000-0000-0000-0000-000000000001') $$, 'with whom they went');
select is(pg_temp.op('add', 1, '{S0}'), 'IV024', 'what was sold is not received');
select is(pg_temp.op('return', 1, '{S0}'), 'applied', 'but returned');
select is(pg_temp.op('return', 1, '{S0}'), 'IV024', 'once');
select is(pg_temp.op('return', 1, '{S3}', '{"state": "damaged"}'), 'applied', 'or returned damaged');
select is(pg_temp.at('damaged') || ' ' || pg_temp.at('in_stock'), 'S3 S0,S1,S2', 'they are back');
select is(pg_temp.op('reserve', 2, null, '{"reservation_id": "00000000-0000-0000-0000-000000000002"}'), 'applied', 'two are reserved again');
select is(pg_temp.run('{"op": "confirm", "reservation_id": "00000000-0000-0000-0000-000000000002", "lines": [{"sku": "S", "location": "W1", "quantity": 1, "serials": ["S3"]}]}'),
    'IV025', 'a damaged one is not sold');
select is(pg_temp.run('{"op": "confirm", "reservation_id": "00000000-0000-0000-0000-000000000002", "lines": [{"sku": "S", "location": "W1", "quantity": 1, "serials": ["S0", "S1"]}]}'),
    'IV023', 'one number for each unit');
select is(pg_temp.run('{"op": "confirm", "reservation_id": "00000000-0000-0000-0000-000000000002", "lines": [{"sku": "S", "location": "W1", "quantity": 1, "serials": ["S2"]}]}'),
    'applied', 'one of them is sold by its number');
select is(pg_temp.at('in_stock') || ' ' || test.level('S', 'W1'), 'S0,S1 2 0 2 in_stock v16', 'the rest is free');

-- A reservation of certain units.
select is(pg_temp.op('reserve', 1, '{S0}', '{"reservation_id": "00000000-0000-0000-0000-000000000003"}'), 'applied', 'a certain one is reserved');
select is(pg_temp.op('reserve', 1, '{S0}'), 'IV001', 'not for two');
select is(pg_temp.op('reserve', 1, '{S9}'), 'IV025', 'it must be there');
select is(pg_temp.op('reserve', 1, null, '{"lot": "X"}'), 'IV023', 'a lot is not held of such an item');
select is(pg_temp.refused('{"op": "remove", "sku": "S", "location": "W1", "quantity": 1, "serials": ["S0"]}'),
    '{"code": "IV001", "sku": "S", "location": "W1", "serials": ["S0"]}', 'nobody else gets it');
select is(pg_temp.op('reserve', 1, null, '{"reservation_id": "00000000-0000-0000-0000-000000000004"}'), 'applied', 'another reservation');
select is(pg_temp.run('{"op": "confirm", "reservation_id": "00000000-0000-0000-0000-000000000004"}'), 'applied', 'is sold');
select is(pg_temp.at('in_stock'), 'S0', 'another unit');
select is(pg_temp.run('{"op": "cancel", "reservation_id": "00000000-0000-0000-0000-000000000003"}'), 'applied', 'cancelled');
select is((select count(*) from api.list_serials('S', status => 'in_stock') where reservation_id is not null), 0::bigint, 'it is free again');
select is(test.outcomes('[{"op": "reserve", "sku": "S", "location": "W1", "quantity": 1, "serials": ["S0"], "reservation_id": "00000000-0000-0000-0000-000000000005"},
    {"op": "confirm", "reservation_id": "00000000-0000-0000-0000-000000000005"}]'), '{applied,applied}', 'reserved and sold');
select is(pg_temp.at('shipped', null), 'S0,S1,S2', 'it was the one');

-- Lots of units: known, expire and are recalled.
select is(pg_temp.op('add', 2, '{B1,B2}', '{"lot": "BATCH"}'), 'applied', 'units of a lot');
select is(pg_temp.op('add', 2, '{C1,C2}'), 'applied', 'and without one');
select is(pg_temp.op('remove', 1, '{C1}', '{"lot": "BATCH"}'), 'IV023', 'a unit that is not of the lot is not taken for it');
select is(pg_temp.op('reserve', 3, null, '{"reservation_id": "00000000-0000-0000-0000-000000000006"}'), 'applied', 'three of the four are reserved');
select results_eq($$ select location, quantity, available, damaged from api.recall_lot('S', 'BATCH') $$, $$ values ('W1', 1::bigint, 0::bigint, 1::bigint) $$,
    'a recall takes what is available of it');
select is(pg_temp.run('{"op": "confirm", "reservation_id": "00000000-0000-0000-0000-000000000006", "lines": [{"sku": "S", "location": "W1", "quantity": 1, "serials": ["B2"]}]}'),
    'IV022', 'what was recalled is not sold by its number');
select is(pg_temp.run('{"op": "confirm", "reservation_id": "00000000-0000-0000-0000-000000000006"}'), 'IV022', 'nor for want of another');
select is(pg_temp.run('{"op": "confirm", "reservation_id": "00000000-0000-0000-0000-000000000006", "lines": [{"sku": "S", "location": "W1", "quantity": 2}]}'), 'applied',
    'what is good is');
select lives_ok('select api.expire_lots()', 'the sweeper takes the rest of the lot');
select is(pg_temp.at('damaged') || ' ' || coalesce(pg_temp.at('in_stock'), 'none'), 'B1,B2,S3 none', 'once it is free');
select results_eq($$ select kind, location, quantity, status from api.trace_lot('S', 'BATCH', 0) $$, $$ values ('stock', 'W1', 2::bigint, 'damaged') $$, 'the trace of a lot of units');

-- Readers.
select results_eq($$ select type, became, at_location, reservation_id, status, location from api.find_serial('S', 'S0') limit 4 $$,
    $$ values ('commit', 'shipped', 'W1', '00000000-0000-0000-0000-000000000005'::uuid, 'shipped', null::text),
        ('reserve', 'in_stock', 'W1', '00000000-0000-0000-0000-000000000005', 'shipped', null),
        ('release', 'in_stock', 'W1', '00000000-0000-0000-0000-000000000003', 'shipped', null),
        ('reserve', 'in_stock', 'W1', '00000000-0000-0000-0000-000000000003', 'shipped', null) $$, 'the history of a unit, newest first');
select is_empty($$ select * from api.find_serial('S', 'NONE') $$, 'an unknown number has none');
select results_eq($$ select serial, became from api.get_tracked_units('S', 'W1', 1) $$, $$ values ('S1', 'in_stock'), ('S2', 'in_stock'), ('S3', 'in_stock') $$, 'the units of a movement');
select is((select string_agg(serial, ',') from api.list_serials('S', max_rows => 2)), 'B1,B2', 'a page');
select is((select string_agg(serial, ',') from api.list_serials('S', after => 'B2', max_rows => 2)), 'C1,C2', 'and the next');
select throws_ok($$ select * from api.list_serials('S', max_rows => 0) $$, 'IV008', null, 'zero rows are refused');
select throws_ok($$ select * from api.list_serials('S', max_rows => 1001) $$, 'IV008', null, '1,001 too');
select is_empty($$ select * from api.list_serials('NONE') $$, 'an unknown item has no serial numbers');
select is_empty('select * from test.broken_rules()', 'every invariant holds');
select throws_ok('delete from inventory.serial_movement', 'IV008', null, 'the history of units is append-only');
select * from finish();
rollback;
