-- Items tracked by lot: receipt, first expired first out, reservations, what goes out and comes back, and what is refused.
begin;
select plan(60);
select test.make_catalogue();
select api.upsert_item('L', 'Lot item', tracking => 'lot');
select api.upsert_item('M', 'Other lot item', tracking => 'lot');

-- What lies of each lot: code on_hand/reserved/damaged, in the order in which they are sold.
create function pg_temp.lots(sku text, location text) returns text language sql as $$
    select string_agg(concat(l.lot, ' ', l.on_hand, '/', l.reserved, '/', l.damaged), ', ' order by l.expires_at nulls last, l.received_at)
    from api.get_lots(lots.sku, lots.location) as l
$$;
-- Applies one command and answers its refusal, or 'applied'.
create function pg_temp.run(command jsonb) returns text language sql as $$
    select coalesce(a.code, a.outcome) from api.apply_commands(jsonb_build_array(command)) as a
$$;
create function pg_temp.refused(command jsonb) returns jsonb language sql as $$
    select a.detail || jsonb_build_object('code', a.code) from api.apply_commands(jsonb_build_array(command)) as a
$$;

-- Receipts make lots.
select is(pg_temp.run('{"op": "add", "sku": "L", "location": "W1", "quantity": 4, "lot": "NEVER"}'), 'applied', 'a lot need not expire');
select is(pg_temp.run('{"op": "add", "sku": "L", "location": "W1", "quantity": 5, "lot": "LATE", "lot_expires_at": "2095-01-01T00:00:00Z"}'), 'applied', 'a lot with expiry');
select is(pg_temp.run('{"op": "add", "sku": "L", "location": "W1", "quantity": 3, "lot": "SOON", "lot_expires_at": "2090-01-01T00:00:00Z"}'), 'applied', 'one that expires earlier');
select is(pg_temp.run('{"op": "add", "sku": "L", "location": "W1", "quantity": 2, "lot": "LATER", "lot_expires_at": "2095-01-01T00:00:00Z"}'), 'applied', 'one that expires with another');
select is(pg_temp.lots('L', 'W1'), 'SOON 3/0/0, LATE 5/0/0, LATER 2/0/0, NEVER 4/0/0', 'first expired first, then in the order of receipt, without expiry last');
select is(pg_temp.run('{"op": "add", "sku": "L", "location": "W2", "quantity": 1, "lot": "SOON"}'), 'applied', 'a known lot is received without its expiry');
select is(pg_temp.run('{"op": "add", "sku": "L", "location": "W2", "quantity": 1, "lot": "SOON", "lot_expires_at": "2090-01-01T01:00:00+01:00"}'), 'applied', 'or with it');
select is(pg_temp.refused('{"op": "add", "sku": "L", "location": "W2", "quantity": 1, "lot": "SOON", "lot_expires_at": "2090-01-02T00:00:00Z"}') - 'problem',
    '{"code": "IV023", "sku": "L", "lot": "SOON", "location": "W2", "field": "lot_expires_at", "expires_at": "2090-01-01T00:00:00+00:00"}',
    'but not with another: the detail has the right one');
select is(pg_temp.run('{"op": "add", "sku": "L", "location": "W2", "quantity": 1, "lot": "NEVER", "lot_expires_at": "2090-01-02T00:00:00Z"}'), 'IV023', 'a lot without expiry has none');
select is(pg_temp.run('{"op": "add", "sku": "M", "location": "W1", "quantity": 1, "lot": "SOON"}'), 'applied', 'codes are those of an item: another one may have the same');
select is((select count(*) from inventory.lot as l where l.code = 'SOON' and l.expires_at is null), 1::bigint, 'which is a lot of its own');
select is(pg_temp.run('{"op": "add", "sku": "L", "location": "W1", "quantity": 1}'), 'IV023', 'a receipt without a lot is refused');
select is(test.refusal($$ select * from api.add_stock('L', 'W1', 1) $$) ->> 'code', 'IV023', 'by the function too');
select is(pg_temp.run('{"op": "add", "sku": "L", "location": "W1", "quantity": 1, "lot": "X", "serials": ["1"]}'), 'IV023', 'it has no serial numbers');
select is(pg_temp.run('{"op": "add", "sku": "L", "location": "W1", "quantity": 1, "lot": " X"}'), 'IV008', 'a code with a blank at its end is malformed');
select is(test.outcomes('[{"op": "add", "lines": [{"sku": "L", "location": "W1", "quantity": 1, "lot": "A"}, {"sku": "L", "location": "W1", "quantity": 1, "lot": "B"}]}]'),
    '{IV023}', 'one lot for each key of a command');
select is((select array_agg(l.code order by l.code) from inventory.lot as l), '{LATE,LATER,NEVER,SOON,SOON}', 'what was refused has made no lot');

-- Reservations hold lots, first expired first out.
select is(pg_temp.run('{"op": "reserve", "sku": "L", "location": "W1", "quantity": 9, "reservation_id": "00000000-0000-0000-0000-000000000001"}'), 'applied', 'a reservation over three lots');
select is(pg_temp.lots('L', 'W1'), 'SOON 3/3/0, LATE 5/5/0, LATER 2/1/0, NEVER 4/0/0', 'takes those that expire first');
select is(pg_temp.run('{"op": "reserve", "sku": "L", "location": "W1", "quantity": 2, "lot": "NEVER", "reservation_id": "00000000-0000-0000-0000-000000000002"}'), 'applied', 'a lot may be asked for');
select is(pg_temp.refused('{"op": "reserve", "sku": "L", "location": "W1", "quantity": 2, "lot": "LATER"}') - '{expires_at,lot_status,version}'::text[],
    '{"code": "IV001", "sku": "L", "location": "W1", "lot": "LATER", "state": "free", "requested": 2, "available": 1}', 'and is not swapped for another: the detail names it');
select is(pg_temp.refused('{"op": "reserve", "sku": "L", "location": "W1", "quantity": 1, "lot": "NONE"}'), '{"code": "IV021", "sku": "L", "lot": "NONE"}', 'an unknown lot is refused');
select is(pg_temp.run('{"op": "reserve", "sku": "M", "location": "W1", "quantity": 1, "lot": "LATE"}'), 'IV021', 'so is the lot of another item');
select results_eq($$ select lot, quantity from api.get_tracked_units('L', 'W1', 5) order by lot $$, $$ values ('LATE', 5::bigint), ('LATER', 1), ('SOON', 3) $$,
    'what to pick: the lots that the reserve touched');

-- Part of it is sold: the earliest lots; the rest is free again.
select is(pg_temp.run('{"op": "confirm", "reservation_id": "00000000-0000-0000-0000-000000000001", "lines": [{"sku": "L", "location": "W1", "quantity": 4}]}'), 'applied', 'confirmed in part');
select is(pg_temp.lots('L', 'W1'), 'LATE 4/0/0, LATER 2/0/0, NEVER 4/2/0', 'the lots that expire first were sold, the others are free');
select results_eq($$ select l.code collate "default", r.quantity, r.confirmed from inventory.reservation_lot as r join inventory.lot as l on l.id = r.lot_id
        where r.reservation_id = '00000000-0000-0000-0000-000000000001' order by l.code $$,
    $$ values ('LATE', 0::bigint, 1::bigint), ('SOON', 0, 3) $$, 'what was sold is kept with the reservation');
select is(pg_temp.run('{"op": "cancel", "reservation_id": "00000000-0000-0000-0000-000000000002"}'), 'applied', 'cancelled');
select is(pg_temp.lots('L', 'W1'), 'LATE 4/0/0, LATER 2/0/0, NEVER 4/0/0', 'its lots are free');
select is_empty($$ select from inventory.reservation_lot as r where r.reservation_id = '00000000-0000-0000-0000-000000000002' $$, 'and nothing is kept of it');
select is(test.outcomes('[{"op": "reserve", "sku": "L", "location": "W1", "quantity": 5, "reservation_id": "00000000-0000-0000-0000-000000000003"},
    {"op": "confirm", "reservation_id": "00000000-0000-0000-0000-000000000003"}]'), '{applied,applied}', 'reserved and confirmed in one batch');
select is(pg_temp.lots('L', 'W1'), 'LATER 1/0/0, NEVER 4/0/0', 'sold whole');
select is(pg_temp.run('{"op": "reserve", "sku": "L", "location": "W1", "quantity": 3, "expires_in_seconds": 0.05, "reservation_id": "00000000-0000-0000-0000-000000000004"}'), 'applied', 'a short hold');
select is(pg_temp.lots('L', 'W1'), 'LATER 1/1/0, NEVER 4/2/0', 'holds');
select pg_sleep(0.24);
select is(pg_temp.lots('L', 'W1'), 'LATER 1/0/0, NEVER 4/0/0', 'until its deadline, for readers');
select lives_ok('select api.expire_reservations()', 'it is written off');
select is((select sum(l.reserved) from inventory.lot_level as l), 0::numeric, 'in the tables too');

-- What goes out without a reservation, and between the buckets.
select is(pg_temp.run('{"op": "remove", "sku": "L", "location": "W1", "quantity": 2}'), 'applied', 'removed without a lot');
select is(pg_temp.lots('L', 'W1'), 'NEVER 3/0/0', 'first expired first');
select is(pg_temp.run('{"op": "add", "sku": "L", "location": "W1", "quantity": 5, "lot": "LATE"}'), 'applied', 'more of a lot');
select is(pg_temp.run('{"op": "remove", "sku": "L", "location": "W1", "quantity": 1, "lot": "NEVER"}'), 'applied', 'removed of a lot');
select is(pg_temp.refused('{"op": "remove", "sku": "L", "location": "W1", "quantity": 3, "lot": "NEVER"}') -> 'available', '2', 'never more than there is of it');
select is(pg_temp.run('{"op": "quarantine", "sku": "L", "location": "W1", "quantity": 6}'), 'applied', 'quarantined');
select is(pg_temp.lots('L', 'W1'), 'LATE 0/0/5, NEVER 1/0/1', 'the same lots are damaged');
select is(pg_temp.run('{"op": "restore", "sku": "L", "location": "W1", "quantity": 2}'), 'applied', 'restored');
select is(pg_temp.lots('L', 'W1'), 'LATE 2/0/3, NEVER 1/0/1', 'and sellable again');
select is(pg_temp.run('{"op": "write_off", "sku": "L", "location": "W1", "quantity": 1, "lot": "NEVER", "reason": "broken"}'), 'applied', 'written off');
select is(pg_temp.run('{"op": "write_off", "sku": "L", "location": "W1", "quantity": 1, "lot": "NEVER", "reason": "broken"}'), 'IV001', 'not more than is damaged of the lot');
select is(pg_temp.run('{"op": "write_off", "sku": "L", "location": "W1", "quantity": 1, "state": "on_hand", "reason": "broken"}'), 'applied', 'written off from the shelf');
select is(pg_temp.lots('L', 'W1'), 'LATE 1/0/3, NEVER 1/0/0', 'each from its bucket');
select is(pg_temp.run('{"op": "return", "sku": "L", "location": "W1", "quantity": 1, "lot": "SOON"}'), 'applied', 'returned');
select is(pg_temp.run('{"op": "return", "sku": "L", "location": "W1", "quantity": 1, "lot": "SOON", "state": "damaged"}'), 'applied', 'returned damaged');
select is(pg_temp.run('{"op": "return", "sku": "L", "location": "W1", "quantity": 1, "lot": "NEW"}'), 'IV021', 'a return makes no lot');
select is(pg_temp.run('{"op": "return", "sku": "L", "location": "W1", "quantity": 1}'), 'IV023', 'and needs one');
select is(pg_temp.run('{"op": "adjust", "sku": "L", "location": "W1", "quantity": 1, "lot": "LATER", "reason": "found"}'), 'applied', 'found');
select is(pg_temp.run('{"op": "adjust", "sku": "L", "location": "W1", "quantity": -2, "reason": "lost"}'), 'applied', 'lost');
select is(pg_temp.lots('L', 'W1'), 'SOON 0/0/1, LATE 0/0/3, LATER 1/0/0, NEVER 1/0/0', 'which lots is known all along');
select is(test.level('L', 'W1'), '2 0 2 in_stock v24', 'and they add up to the level');

select is_empty('select * from test.broken_rules()', 'every invariant holds');
select throws_ok('update inventory.lot_movement set on_hand_delta = 0', 'IV008', null, 'the history of lots is append-only');
select * from finish();
rollback;
