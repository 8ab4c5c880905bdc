-- api.confirm_reservation with lines: that much is sold, the rest is free again.
begin;
select plan(32);
select test.make_catalogue();
select * from api.add_stock('A', 'W1', 10);
select * from api.add_stock('A', 'W2', 10);
select * from api.add_stock('B', 'W1', 10);
create function pg_temp.hold(n integer) returns uuid language plpgsql as $$
declare
    v_id constant uuid := ('00000000-0000-0000-0000-0000000000' || lpad(n::text, 2, '0'))::uuid;
begin
    perform api.reserve_stock(reservation_id => v_id, lines => '[{"sku": "A", "location": "W1", "quantity": 4}, {"sku": "A", "location": "W2", "quantity": 3}, {"sku": "B", "location": "W1", "quantity": 2}]');
    return v_id;
end
$$;

select results_eq($$ select status, sku, location, quantity, on_hand, reserved, available, version, replayed
    from api.confirm_reservation(pg_temp.hold(1), '[{"sku": "A", "location": "W1", "quantity": 1}, {"sku": "B", "location": "W1", "quantity": 2}]', idempotency_key => 'p') $$,
    $$ values ('COMMITTED', 'A', 'W1', 1::bigint, 9::bigint, 3::bigint, 6::bigint, 3::bigint, false), ('COMMITTED', 'A', 'W1', 3, 9, 0, 9, 4, false), ('COMMITTED', 'A', 'W2', 3, 10, 0, 10, 3, false), ('COMMITTED', 'B', 'W1', 2, 8, 0, 8, 3, false) $$,
    'what is named is sold, the rest is free');
select results_eq($$ select sku, location, status, quantity, confirmed from api.get_reservation('00000000-0000-0000-0000-000000000001') order by 1, 2 $$,
    $$ values ('A', 'W1', 'COMMITTED', 4::bigint, 1::bigint), ('A', 'W2', 'COMMITTED', 3, 0), ('B', 'W1', 'COMMITTED', 2, 2) $$, 'the reservation says how much of each');
select is(test.movements('A', 'W1') || test.movements('A', 'W2') || test.movements('B', 'W1'),
    '{receipt 10/0/0/0/0/0,reserve 0/4/0/0/0/0,commit -1/-1/0/0/0/0,release 0/-3/0/0/0/0,receipt 10/0/0/0/0/0,reserve 0/3/0/0/0/0,release 0/-3/0/0/0/0,receipt 10/0/0/0/0/0,reserve 0/2/0/0/0/0,commit -2/-2/0/0/0/0}',
    'the ledger has sale and release apart');
select is((select count(*) from api.confirm_reservation('00000000-0000-0000-0000-000000000001', '[{"sku": "A", "location": "W1", "quantity": 1}, {"sku": "B", "location": "W1", "quantity": 2}]', idempotency_key => 'p') as c where c.replayed), 4::bigint,
    'a repeated request sells nothing more');
select throws_ok($$ select * from api.confirm_reservation('00000000-0000-0000-0000-000000000001', idempotency_key => 'p') $$, 'IV007', null, 'without lines it is another request');
select throws_ok($$ select * from api.confirm_reservation('00000000-0000-0000-0000-000000000001', '[{"sku": "A", "location": "W1", "quantity": 1}]') $$, 'IV009', null, 'the rest is not sold later');

select is((select count(*) from api.confirm_reservation(pg_temp.hold(2), '[{"sku": "A", "location": "W1", "quantity": 4}, {"sku": "A", "location": "W2", "quantity": 3}, {"sku": "B", "location": "W1", "quantity": 2}]')), 3::bigint,
    'all of it may be named');
select is((select string_agg(c.location || ' ' || c.quantity, ', ' order by c.location, c.version) from api.confirm_reservation(pg_temp.hold(3), '[{"sku": "A", "location": "W2", "quantity": 1}, {"sku": "A", "location": "W2", "quantity": 2}]') as c), 'W1 2, W1 4, W2 3',
    'lines on one key are summed');
select is(test.level('A', 'W1') || ', ' || test.level('A', 'W2') || ', ' || test.level('B', 'W1'), '5 0 5 in_stock v8, 4 0 4 in_stock v7, 6 0 6 in_stock v7', 'the balances agree');

-- More than is held, what is not held.
select pg_temp.hold(4);
select throws_ok($$ select * from api.confirm_reservation('00000000-0000-0000-0000-000000000004', '[{"sku": "A", "location": "W1", "quantity": 5}]') $$, 'IV001', null, 'no more is sold than is held');
select is(test.refusal($$ select * from api.confirm_reservation('00000000-0000-0000-0000-000000000004', '[{"sku": "A", "location": "W1", "quantity": 5}]') $$),
    '{"code": "IV001", "sku": "A", "location": "W1", "requested": 5, "available": 4}', 'the detail says how much that is');
select throws_ok($$ select * from api.confirm_reservation('00000000-0000-0000-0000-000000000004', '[{"sku": "A", "location": "W1", "quantity": 3}, {"sku": "A", "location": "W1", "quantity": 2}]') $$, 'IV001', null, 'the sum counts');
select throws_ok($$ select * from api.confirm_reservation('00000000-0000-0000-0000-000000000004', '[{"sku": "B", "location": "W2", "quantity": 1}]') $$, 'IV003', null, 'nor what is not held there');
select is(test.refusal($$ select * from api.confirm_reservation('00000000-0000-0000-0000-000000000004', '[{"sku": "A", "location": "W1", "quantity": 1}, {"sku": "NONE", "location": "W1", "quantity": 1}]') $$),
    '{"code": "IV003", "sku": "NONE", "location": "W1", "reservation_id": "00000000-0000-0000-0000-000000000004"}', 'or does not exist; the detail names it');
select is((select string_agg(distinct r.status, '') from api.get_reservation('00000000-0000-0000-0000-000000000004') as r), 'PENDING', 'nothing of it was sold');
select throws_ok($$ select * from api.confirm_reservation('00000000-0000-0000-0000-000000000004', '[{"sku": "A", "location": "W1", "quantity": 9223372036854775807}]') $$, 'IV001', null, 'however much it is');
select throws_ok($$ select * from api.confirm_reservation('00000000-0000-0000-0000-000000000004', '[{"sku": "A", "location": "W1", "quantity": 1e300}]') $$, 'IV001', null, 'however it is written');

-- Malformed.
select is_empty($$ select l.lines from unnest(array['[]', '{}', '5', '"x"', '[5]', '[null]', '[{}]', '[{"sku": "A"}]', '[{"sku": "A", "location": "W1"}]', '[{"sku": "A", "quantity": 1}]', '[{"location": "W1", "quantity": 1}]',
        '[{"sku": "A", "location": "W1", "quantity": 0}]', '[{"sku": "A", "location": "W1", "quantity": -1}]', '[{"sku": "A", "location": "W1", "quantity": 1.5}]', '[{"sku": "A", "location": "W1", "quantity": "1"}]',
        '[{"sku": "A", "location": "W1", "quantity": 1, "colour": "red"}]', '[{"sku": "A", "location": "W1", "quantity": 1, "unit": ""}]', '[{"sku": 5, "location": "W1", "quantity": 1}]']) as l (lines)
    where test.outcomes(jsonb_build_array(jsonb_build_object('op', 'confirm', 'reservation_id', '00000000-0000-0000-0000-000000000004', 'lines', l.lines::jsonb))) <> '{IV008}' $$, 'malformed lines are refused');
select is(test.outcomes('[{"op": "confirm", "reservation_id": "00000000-0000-0000-0000-000000000004", "sku": "A", "quantity": 1}, {"op": "confirm", "reservation_id": "00000000-0000-0000-0000-000000000004", "quantity": 1},
    {"op": "cancel", "reservation_id": "00000000-0000-0000-0000-000000000004", "lines": [{"sku": "A", "location": "W1", "quantity": 1}]},
    {"op": "confirm", "reservation_id": "00000000-0000-0000-0000-000000000004", "serials": ["S"], "lines": [{"sku": "A", "location": "W1", "quantity": 1}]}]'), '{IV008,IV008,IV008,IV008}',
    'who names a part outside of lines does not sell all');
select is(test.refusal($$ select * from api.confirm_reservation('00000000-0000-0000-0000-000000000004', '[{"sku": "A", "location": "W1", "quantity": 1, "lot": "L"}]') $$) ->> 'code', 'IV023', 'a lot of what has none is refused');
select is((select string_agg(distinct r.status, '') from api.get_reservation('00000000-0000-0000-0000-000000000004') as r), 'PENDING', 'it is as it was');

-- What is freed is for sale at once, and goes to who waits first.
select * from api.set_stock_policy('A', 'W1', policy => 'backorder');
select * from api.reserve_stock('A', 'W1', 3, reservation_id => '00000000-0000-0000-0000-000000000005');
select is((select backordered from api.get_reservation('00000000-0000-0000-0000-000000000005')), 2::bigint, 'somebody waits');
select is((select available from api.confirm_reservation('00000000-0000-0000-0000-000000000004', '[{"sku": "A", "location": "W1", "quantity": 1}]') where location = 'W1' and sku = 'A' order by version desc limit 1), 1::bigint,
    'the answer has what is left after they were served');
select is((select backordered from api.get_reservation('00000000-0000-0000-0000-000000000005')), 0::bigint, 'they have it');

-- In one batch with what it frees, with bundles, past its deadline.
select is(test.outcomes('[{"op": "reserve", "sku": "B", "location": "W1", "quantity": 6, "reservation_id": "00000000-0000-0000-0000-000000000006"}, {"op": "reserve", "sku": "B", "location": "W1", "quantity": 1},
    {"op": "confirm", "reservation_id": "00000000-0000-0000-0000-000000000006", "lines": [{"sku": "B", "location": "W1", "quantity": 5}]}, {"op": "reserve", "sku": "B", "location": "W1", "quantity": 1}]'), '{applied,IV001,applied,applied}',
    'a later command of the batch gets what was freed');
select is(test.outcomes('[{"op": "confirm", "reservation_id": "00000000-0000-0000-0000-000000000006", "lines": [{"sku": "B", "location": "W1", "quantity": 5}], "idempotency_key": "x"}]'), '{IV009}', 'it is over');
select is((select sum(confirmed) from api.get_reservation('00000000-0000-0000-0000-000000000006')), 5::numeric, 'with what was sold');
select api.upsert_item('KIT', 'Kit', kind => 'bundle'), api.set_bundle('KIT', '[{"sku": "A", "quantity": 2}]');
select * from api.reserve_stock('KIT', 'W2', 2, reservation_id => '00000000-0000-0000-0000-000000000007', expires_in => '1600 milliseconds');
select throws_ok($$ select * from api.confirm_reservation('00000000-0000-0000-0000-000000000007', '[{"sku": "KIT", "location": "W2", "quantity": 1}]') $$, 'IV003', null, 'what is held of a bundle is its components');
select pg_sleep(1.64);
select throws_ok($$ select * from api.confirm_reservation('00000000-0000-0000-0000-000000000007', '[{"sku": "A", "location": "W2", "quantity": 2}]') $$, 'IV002', null, 'past its deadline nothing is sold');
select is((select available from api.get_stock_level('A', 'W2')), 4::bigint, 'it is free');
select throws_ok($$ select * from api.confirm_reservation('00000000-0000-0000-0000-0000000000ff', '[{"sku": "A", "location": "W2", "quantity": 2}]') $$, 'IV005', null, 'an unknown reservation is refused');
select is_empty('select * from test.broken_rules()', 'every invariant holds');
select * from finish();
rollback;
