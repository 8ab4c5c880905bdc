-- api.relocate_reservation: moves what a pending reservation holds to another location, in one step.
begin;
select plan(35);
select test.make_catalogue();
select api.upsert_location('W3');
select * from api.add_stock('A', 'W1', 5);
select * from api.add_stock('A', 'W2', 5);
select * from api.add_stock('B', 'W1', 5);
select * from api.add_stock('B', 'W2', 1);
select * from api.add_stock('A', 'SHUT', 9);
select test.close_catalogue();
create function pg_temp.held(n integer) returns text language sql as $$
    select string_agg(r.sku || ' ' || r.location || ' ' || r.quantity, ', ' order by r.sku, r.location) from api.get_reservation(('00000000-0000-0000-0000-0000000000' || lpad(n::text, 2, '0'))::uuid) as r
$$;

select * from api.reserve_stock('A', 'W1', 3, expires_in => '1 hour', reservation_id => '00000000-0000-0000-0000-000000000001');
select results_eq($$ select reservation_id, status, sku, location, quantity, on_hand, reserved, available, version, replayed, backordered from api.relocate_reservation('00000000-0000-0000-0000-000000000001', 'W2', idempotency_key => 'r') $$,
    $$ values ('00000000-0000-0000-0000-000000000001'::uuid, 'PENDING', 'A', 'W2', 3::bigint, 5::bigint, 3::bigint, 2::bigint, 2::bigint, false, 0::bigint) $$, 'what was held there is held here');
select is(pg_temp.held(1), 'A W2 3', 'the reservation has it');
select is(test.level('A', 'W1') || ', ' || test.level('A', 'W2'), '5 0 5 in_stock v3, 5 3 2 in_stock v2', 'free there, held here');
select is(test.movements('A', 'W1') || test.movements('A', 'W2'), '{receipt 5/0/0/0/0/0,reserve 0/3/0/0/0/0,release 0/-3/0/0/0/0,receipt 5/0/0/0/0/0,reserve 0/3/0/0/0/0}', 'the ledgers have both steps');
select is((select count(*) from api.relocate_reservation('00000000-0000-0000-0000-000000000001', 'W2', idempotency_key => 'r') as r where r.replayed), 1::bigint, 'a repeated request moves nothing');
select throws_ok($$ select * from api.relocate_reservation('00000000-0000-0000-0000-000000000001', 'W1', idempotency_key => 'r') $$, 'IV007', null, 'another place is another request');
select is((select r.version || ' ' || (r.expires_at = l.expires_at) from inventory.reservation as r join inventory.reservation_line as l on l.reservation_id = r.id), '2 true', 'its deadline stays');
select is((select jsonb_path_query_array(a.answer, '$.levels[*].type') from api.apply_commands('[{"op": "relocate", "reservation_id": "00000000-0000-0000-0000-000000000001", "to": "W1"}]') as a), '["release", "reserve"]',
    'the answer has every level that changed');
select lives_ok($$ select * from api.confirm_reservation('00000000-0000-0000-0000-000000000001') $$, 'it is sold where it went');
select is(test.level('A', 'W1') || ', ' || test.level('A', 'W2'), '2 0 2 in_stock v5, 5 0 5 in_stock v3', 'and nowhere else');

-- Several lines: all of them, those of one sku, those of one place.
select * from api.reserve_stock(reservation_id => '00000000-0000-0000-0000-000000000002', lines =>
    '[{"sku": "A", "location": "W1", "quantity": 1}, {"sku": "A", "location": "W2", "quantity": 2}, {"sku": "B", "location": "W1", "quantity": 2}]');
select throws_ok($$ select * from api.relocate_reservation('00000000-0000-0000-0000-000000000002', 'W2') $$, 'IV001', null, 'if one line does not fit, none is moved');
select is(test.refusal($$ select * from api.relocate_reservation('00000000-0000-0000-0000-000000000002', 'W2') $$) - 'version', '{"code": "IV001", "sku": "B", "location": "W2", "requested": 2, "available": 1}', 'the detail names it');
select is(pg_temp.held(2) || ', ' || test.level('A', 'W1'), 'A W1 1, A W2 2, B W1 2, 2 1 1 in_stock v6', 'nothing has changed');
select results_eq($$ select sku, location, quantity from api.relocate_reservation('00000000-0000-0000-0000-000000000002', 'W2', sku => 'A') $$, $$ values ('A', 'W2', 1::bigint) $$, 'those of one sku');
select is(pg_temp.held(2), 'A W2 3, B W1 2', 'join what it holds there');
select throws_ok($$ select * from api.relocate_reservation('00000000-0000-0000-0000-000000000002', 'W1', from_location => 'W3') $$, 'IV003', null, 'nothing is held there');
select * from api.add_stock('A', 'W1', 5);
select results_eq($$ select sku, location, quantity from api.relocate_reservation('00000000-0000-0000-0000-000000000002', 'W1', from_location => 'W2') $$, $$ values ('A', 'W1', 3::bigint) $$, 'those of one place');
select is(pg_temp.held(2), 'A W1 3, B W1 2', 'leave the others alone');
select * from api.add_stock('B', 'W2', 5);
select results_eq($$ select sku, location, quantity from api.relocate_reservation('00000000-0000-0000-0000-000000000002', 'W2') order by 1 $$, $$ values ('A', 'W2', 3::bigint), ('B', 'W2', 2) $$, 'all of it');
select throws_ok($$ select * from api.relocate_reservation('00000000-0000-0000-0000-000000000002', 'W2') $$, 'IV003', null, 'nothing of it is elsewhere');
select throws_ok($$ select * from api.relocate_reservation('00000000-0000-0000-0000-000000000002', 'W1', sku => 'OLD') $$, 'IV003', null, 'it holds nothing of that');

-- A place that never had any, by its policy; one that oversells; sums out of range.
select throws_ok($$ select * from api.relocate_reservation('00000000-0000-0000-0000-000000000002', 'W3') $$, 'IV001', null, 'nothing is held where nothing is');
select is(test.states('A', 'W3'), null, 'and no row is left behind');
select api.set_default_policy(location => 'W3', policy => 'backorder');
select results_eq($$ select sku, quantity, backordered from api.relocate_reservation('00000000-0000-0000-0000-000000000002', 'W3', sku => 'A') $$, $$ values ('A', 3::bigint, 3::bigint) $$, 'it waits where it may');
select results_eq($$ select sku, quantity, backordered from api.relocate_reservation('00000000-0000-0000-0000-000000000002', 'W1', sku => 'A') $$, $$ values ('A', 3::bigint, 0::bigint) $$, 'and comes back from there');
select is(test.movements('A', 'W3'), '{reserve 0/0/0/3/0/0,release 0/0/0/-3/0/0}', 'having waited');
select api.set_stock_policy('B', 'W1', policy => 'oversell'), api.set_stock_policy('B', 'W2', policy => 'oversell');
select * from api.reserve_stock(reservation_id => '00000000-0000-0000-0000-000000000003', lines => '[{"sku": "B", "location": "W1", "quantity": 900000000000}, {"sku": "B", "location": "W2", "quantity": 900000000000}]');
select throws_ok($$ select * from api.relocate_reservation('00000000-0000-0000-0000-000000000003', 'W1') $$, 'IV012', null, 'a sum out of range is refused');
select is(pg_temp.held(3), 'B W1 900000000000, B W2 900000000000', 'and nothing has changed');

-- What is freed goes to who waits.
select api.set_stock_policy('A', 'W2', policy => 'backorder');
select * from api.reserve_stock('A', 'W2', 5, reservation_id => '00000000-0000-0000-0000-000000000004');
select * from api.reserve_stock('A', 'W2', 4, reservation_id => '00000000-0000-0000-0000-000000000005');
select lives_ok($$ select * from api.add_stock('A', 'W1', 9), api.relocate_reservation('00000000-0000-0000-0000-000000000004', 'W1') $$, 'one goes') ;
select is((select backordered from api.get_reservation('00000000-0000-0000-0000-000000000005')), 0::bigint, 'the other gets what it held');

-- Not pending, past its deadline.
select throws_ok($$ select * from api.relocate_reservation('00000000-0000-0000-0000-000000000001', 'W2') $$, 'IV009', null, 'what was sold stays where it was');
select * from api.reserve_stock('A', 'W1', 1, expires_in => '80 milliseconds', reservation_id => '00000000-0000-0000-0000-000000000006');
select pg_sleep(0.12);
select throws_ok($$ select * from api.relocate_reservation('00000000-0000-0000-0000-000000000006', 'W2') $$, 'IV002', null, 'what has ended too');

select is_empty($$ select * from test.unexpected('{
    "select * from api.relocate_reservation(null, ''W2'')": "IV008", "select * from api.relocate_reservation(''00000000-0000-0000-0000-000000000004'', null)": "IV008",
    "select * from api.relocate_reservation(''00000000-0000-0000-0000-0000000000ff'', ''W2'')": "IV005", "select * from api.relocate_reservation(''00000000-0000-0000-0000-000000000004'', ''NONE'')": "IV004",
    "select * from api.relocate_reservation(''00000000-0000-0000-0000-000000000004'', ''SHUT'')": "IV011", "select * from api.relocate_reservation(''00000000-0000-0000-0000-000000000004'', '''')": "IV004",
    "select * from api.relocate_reservation(''00000000-0000-0000-0000-000000000004'', ''W2'', sku => ''NONE'')": "IV003", "select * from api.relocate_reservation(''00000000-0000-0000-0000-000000000004'', ''W2'', from_location => ''NONE'')": "IV003"}') $$,
    'what is wrong is refused by its code, and changes nothing');
select is(test.outcomes('[{"op": "relocate", "to": "W2"}, {"op": "relocate", "reservation_id": "00000000-0000-0000-0000-000000000004"}, {"op": "relocate", "reservation_id": "00000000-0000-0000-0000-000000000004", "to": 5},
    {"op": "relocate", "reservation_id": "00000000-0000-0000-0000-000000000004", "to": "W2", "sku": 5}, {"op": "relocate", "reservation_id": "00000000-0000-0000-0000-000000000004", "to": "W2", "from": null},
    {"op": "relocate", "reservation_id": "00000000-0000-0000-0000-000000000004", "to": "W2", "quantity": 1}]'), '{IV008,IV008,IV008,IV008,IV008,IV008}', 'malformed commands are refused');
select is_empty('select * from test.broken_rules()', 'every invariant holds');
select * from finish();
rollback;
