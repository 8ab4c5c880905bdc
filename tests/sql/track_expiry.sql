-- Lots that expire: to the instant for readers and for whoever needs the stock, sweeper or not; what reservations hold of them.
begin;
select plan(55);
select test.make_catalogue();
select api.upsert_item('L', 'Lot item', tracking => 'lot');
create function pg_temp.lots(sku text, location text) returns text language sql as $$
    select string_agg(concat(l.lot, ' ', l.status, ' ', l.on_hand, '/', l.reserved, '/', l.damaged), ', ' order by l.expires_at nulls last, l.received_at)
    from api.get_lots(lots.sku, lots.location) as l
$$;
create function pg_temp.stored(sku text, location text) returns text language sql as $$
    select string_agg(concat(t.code, ' ', l.on_hand, '/', l.reserved, '/', l.damaged), ', ' order by t.code)
    from inventory.lot_level as l join inventory.lot as t on t.id = l.lot_id join inventory.item as i on i.id = l.item_id
    where i.sku = stored.sku and l.location_id = stored.location
$$;
create function pg_temp.run(command jsonb) returns text language sql as $$
    select coalesce(a.code, a.outcome) from api.apply_commands(jsonb_build_array(command)) as a
$$;
-- Receives a lot that expires after so long.
create function pg_temp.receive(lot text, quantity integer, lasts interval, location text default 'W1') returns text language sql as $$
    select pg_temp.run(jsonb_build_object('op', 'add', 'sku', 'L', 'location', location, 'quantity', quantity, 'lot', lot,
        'lot_expires_at', clock_timestamp() + lasts))
$$;

-- A lot is sold until its last instant, and not after it.
select is(pg_temp.receive('OLD', 5, '1600 milliseconds'), 'applied', 'a lot with a moment left');
select is(pg_temp.run('{"op": "add", "sku": "L", "location": "W1", "quantity": 2, "lot": "GOOD"}'), 'applied', 'one that lasts');
select is((select s.next_hold_at from inventory.stock_level as s), (select l.expires_at from inventory.lot as l where l.code = 'OLD'),
    'the level says until when its availability is what it is');
select is(pg_temp.run('{"op": "reserve", "sku": "L", "location": "W1", "quantity": 3, "reservation_id": "00000000-0000-0000-0000-000000000001"}'), 'applied', 'it is sold while it lasts');
select is(test.level('L', 'W1'), '7 3 4 in_stock v3', 'four are left');
select pg_sleep(1.64);
select is(pg_temp.lots('L', 'W1'), 'OLD expired 3/3/2, GOOD active 2/0/0', 'then a reader sees that what is free of it is not for sale');
select is((select available from api.get_stock_level('L', 'W1')), 2::bigint, 'the level too');
select is(internal.due_lot_quantity((select i.id from inventory.item as i where i.sku = 'L'), 'W1', clock_timestamp()), 2::bigint, 'so many are not counted');
select is(test.level('L', 'W1'), '7 3 4 in_stock v3', 'although nobody has written it');
select is((select array_agg(coalesce(a.code, a.outcome)) from api.apply_commands('[{"op": "reserve", "sku": "L", "location": "W1", "quantity": 3}]') as a), '{IV001}', 'and a buyer does not get it');
select is(pg_temp.run('{"op": "reserve", "sku": "L", "location": "W1", "quantity": 1, "lot": "OLD"}'), 'IV022', 'asked for by name, it says why');
select is(pg_temp.run('{"op": "reserve", "sku": "L", "location": "W1", "quantity": 2, "reservation_id": "00000000-0000-0000-0000-000000000002"}'), 'applied', 'but the other lot');
select is(pg_temp.stored('L', 'W1'), 'GOOD 2/2/0, OLD 3/3/2', 'what was free of it is damaged now');
select is(test.ledger('L', 'W1'), '{receipt 5 0 v1,receipt 2 0 v2,reserve 0 3 v3,lot_expiry -2 0 v4,reserve 0 2 v5}', 'the ledger says so');
select is((select m.detail ->> 'lot' || ' ' || m.reason || ' ' || m.source || ' ' || m.damaged_delta from inventory.stock_movement as m where m.type = 'lot_expiry'),
    'OLD lot expired expiry 2', 'and which lot');

-- A reservation keeps what it holds of it, but cannot be confirmed.
select is(test.refusal($$ select * from api.confirm_reservation('00000000-0000-0000-0000-000000000001') $$),
    '{"code": "IV022", "sku": "L", "lot": "OLD", "location": "W1", "reservation_id": "00000000-0000-0000-0000-000000000001"}', 'what has expired is not sold');
select is(pg_temp.run('{"op": "cancel", "reservation_id": "00000000-0000-0000-0000-000000000001"}'), 'applied', 'but given back');
select is((select available from api.get_stock_level('L', 'W1')), 0::bigint, 'nobody sees it as available');
select is(pg_temp.lots('L', 'W1'), 'OLD expired 0/0/5, GOOD active 2/2/0', 'it is not for sale');
select is(pg_temp.run('{"op": "reserve", "sku": "L", "location": "W1", "quantity": 1}'), 'IV001', 'or sold');
select cmp_ok(api.expire_lots(), '<=', 1, 'the sweeper writes what nobody has');
select is(pg_temp.stored('L', 'W1'), 'GOOD 2/2/0, OLD 0/0/5', 'and it is damaged');
select is(api.expire_lots(), 0, 'then there is nothing to do');
select is(pg_temp.run('{"op": "restore", "sku": "L", "location": "W1", "quantity": 1}'), 'IV022', 'it is not made sellable again');
select is(pg_temp.run('{"op": "restore", "sku": "L", "location": "W1", "quantity": 1, "lot": "OLD"}'), 'IV022', 'by its name neither');
select is(pg_temp.run('{"op": "write_off", "sku": "L", "location": "W1", "quantity": 3, "lot": "OLD", "reason": "expired"}'), 'applied', 'it is written off');
select is(test.outcomes('[{"op": "confirm", "reservation_id": "00000000-0000-0000-0000-000000000002"}]'), '{applied}', 'what is good is sold');
select is(test.level('L', 'W1'), '0 0 0 out_of_stock v9', 'nothing is left to sell');

-- What comes in of a lot that has expired, as a fact that is late, is not sold.
select is(pg_temp.run('{"op": "add", "sku": "L", "location": "W1", "quantity": 4, "lot": "OLD"}'), 'applied', 'the goods are there, so they are received');
select is((select available from api.get_stock_level('L', 'W1')), 0::bigint, 'but nobody may have them');
select is(pg_temp.run('{"op": "reserve", "sku": "L", "location": "W1", "quantity": 1}'), 'IV001', 'to the next buyer');
select lives_ok('select api.expire_lots()', 'or the sweeper');
select is(pg_temp.stored('L', 'W1'), 'GOOD 0/0/0, OLD 0/0/6', 'they are damaged');

-- A hold that ends after its lot: what it frees is not available.
select is(pg_temp.receive('SHORT', 2, '400 milliseconds'), 'applied', 'a lot with less left');
select is(pg_temp.run('{"op": "reserve", "sku": "L", "location": "W1", "quantity": 2, "expires_in_seconds": 0.2}'), 'applied', 'than the hold on it');
select pg_sleep(0.84);
select is((select reserved || ' ' || available from api.get_stock_level('L', 'W1')), '0 0', 'at the end of the hold nothing is available');
select is(pg_temp.run('{"op": "reserve", "sku": "L", "location": "W1", "quantity": 1}'), 'IV001', 'or sold');
select lives_ok('select api.expire_lots()', 'the sweeper writes both');
select is(pg_temp.stored('L', 'W1'), 'GOOD 0/0/0, OLD 0/0/6, SHORT 0/0/2', 'the hold and the lot are gone');

-- The boundary: a lot is not sellable from expires_at on.
select is(internal.needs_sellable('reserve') and not internal.needs_sellable('write_off'), true, 'what is sold must be sellable, what is written off need not');
select is(pg_temp.receive('EDGE', 1, '1 hour'), 'applied', 'a lot with an hour left');
select is(internal.due_lot_quantity(i.id, 'W1', l.expires_at - interval '1 microsecond') || ' ' || internal.due_lot_quantity(i.id, 'W1', l.expires_at), '0 1',
    'is due at its instant, and not before') from inventory.item as i join inventory.lot as l on l.item_id = i.id and l.code = 'EDGE';

-- Arguments.
select throws_ok('select api.expire_lots(0)', 'IV008', null, 'zero is refused');
select throws_ok('select api.expire_lots(1001)', 'IV008', null, '1,001 is refused');
select throws_ok('select api.expire_lots(null)', 'IV008', null, 'null is refused');
select lives_ok('select api.expire_lots(1000)', '1,000 is taken');
select is((select count(*) from api.get_lots('NONE')), 0::bigint, 'an unknown item has no lots');
select is_empty('select * from test.broken_rules()', 'every invariant holds');
-- There is always room for what ends: a shelf that could not take it would refuse every other write too.
select api.upsert_item('F', 'Full', tracking => 'lot');
select is(pg_temp.run('{"op": "add", "sku": "F", "location": "W1", "quantity": 999999999997, "lot": "BAD"}'), 'applied', 'a shelf that is nearly full');
select is(pg_temp.run('{"op": "quarantine", "sku": "F", "location": "W1", "quantity": 999999999997, "lot": "BAD"}'), 'applied', 'of damaged units');
select is(pg_temp.run(jsonb_build_object('op', 'add', 'sku', 'F', 'location', 'W1', 'quantity', 3, 'lot', 'SOON',
    'lot_expires_at', clock_timestamp() + interval '400 milliseconds')), 'applied', 'takes three more of another state');
select is(pg_temp.run('{"op": "add", "sku": "F", "location": "W1", "quantity": 1, "lot": "LATE"}'), 'IV012', 'and no fourth');
select pg_sleep(0.44);
select is(pg_temp.run('{"op": "write_off", "sku": "F", "location": "W1", "quantity": 1, "lot": "BAD", "reason": "expired"}'), 'applied', 'when they have expired it is written to as before');
select is(pg_temp.stored('F', 'W1'), 'BAD 0/0/999999999996, SOON 0/0/3', 'and they are damaged');
select is(pg_temp.run('{"op": "add", "sku": "F", "location": "W1", "quantity": 1, "lot": "LATE"}'), 'applied', 'the place that is free is taken');

select * from finish();
rollback;
