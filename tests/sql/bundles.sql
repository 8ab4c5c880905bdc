-- Bundles: api.set_bundle, api.get_bundle, and what commands make of them. A bundle has no stock of its own: it is its components.
begin;
select plan(68);
select api.upsert_items('[{"sku": "A", "name": "a"}, {"sku": "B", "name": "b"}, {"sku": "C", "name": "c"}, {"sku": "KIT", "name": "k", "kind": "bundle"}, {"sku": "BOX", "name": "x", "kind": "bundle"},
    {"sku": "HAMPER", "name": "h", "kind": "bundle"}, {"sku": "BARE", "name": "n", "kind": "bundle"}, {"sku": "EBOOK", "name": "e", "kind": "digital"}, {"sku": "OLDKIT", "name": "o", "kind": "bundle"}]');
select api.upsert_locations('[{"id": "W1"}, {"id": "W2"}, {"id": "SHUT", "status": "closed"}]');
create function pg_temp.held(command jsonb) returns text language sql as $$
    select coalesce(a.code, string_agg(l ->> 'sku' || ' ' || (l ->> 'quantity'), ', ' order by l ->> 'sku'))
    from api.apply_commands(jsonb_build_array('{"op": "reserve"}' || command)) as a
    left join lateral jsonb_array_elements(a.answer -> 'levels') as l on true
    group by a.code
$$;

-- What it consists of.
select results_eq($$ select bundle, component, quantity from api.set_bundle('KIT', '[{"sku": "B", "quantity": 1}, {"sku": "A", "quantity": 2}]') $$,
    $$ values ('KIT', 'A', 2::bigint), ('KIT', 'B', 1) $$, 'components with their quantities');
select results_eq($$ select bundle, component, quantity from api.get_bundle('KIT') $$, $$ values ('KIT', 'A', 2::bigint), ('KIT', 'B', 1) $$, 'as they are read');
select is_empty($$ select * from api.get_bundle('A') $$, 'an item that is none has none');
select is_empty($$ select * from api.get_bundle('BARE') $$, 'nor has one that was given none');
select throws_ok($$ select * from api.get_bundle('NONE') $$, 'IV003', null, 'an unknown sku is refused');
select throws_ok($$ select * from api.get_bundle(null) $$, 'IV008', null, 'so is none');
select results_eq($$ select component, quantity from api.set_bundle('KIT', '[{"sku": "A", "quantity": 3}]') $$, $$ values ('A', 3::bigint) $$, 'new ones take the place of the old');
select is_empty($$ select * from api.set_bundle('KIT', '[]') $$, 'none too');
select lives_ok($$ select * from api.set_bundle('KIT', '[{"sku": "A", "quantity": 2}, {"sku": "B", "quantity": 1}]') $$, 'set again');
select lives_ok($$ select * from api.set_bundle('BOX', '[{"sku": "KIT", "quantity": 2}, {"sku": "C", "quantity": 1}]') $$, 'a bundle in a bundle');
select lives_ok($$ select * from api.set_bundle('HAMPER', '[{"sku": "BOX", "quantity": 1}, {"sku": "KIT", "quantity": 1}, {"sku": "A", "quantity": 1}]') $$, 'and in another, by several ways');

-- No circles.
select throws_ok($$ select * from api.set_bundle('KIT', '[{"sku": "KIT", "quantity": 1}]') $$, 'IV017', null, 'a bundle does not contain itself');
select throws_ok($$ select * from api.set_bundle('KIT', '[{"sku": "A", "quantity": 1}, {"sku": "BOX", "quantity": 1}]') $$, 'IV017', null, 'nor what contains it');
select throws_ok($$ select * from api.set_bundle('KIT', '[{"sku": "HAMPER", "quantity": 1}]') $$, 'IV017', null, 'however far up');
select is(test.refusal($$ select * from api.set_bundle('KIT', '[{"sku": "A", "quantity": 1}, {"sku": "BOX", "quantity": 1}]') $$), '{"code": "IV017", "component": "BOX"}', 'the detail names it');
select results_eq($$ select component, quantity from api.get_bundle('KIT') $$, $$ values ('A', 2::bigint), ('B', 1) $$, 'what it consisted of stays');

-- No more than 16 in one another, and the 16th is taken apart still.
select count(*) from generate_series(1, 18) as n cross join lateral api.upsert_item('L' || n, 'l', kind => 'bundle');
select api.set_bundle('L1', '[{"sku": "C", "quantity": 2}]');
select count(*) from generate_series(2, 16) as n cross join lateral api.set_bundle('L' || n, jsonb_build_array(jsonb_build_object('sku', 'L' || n - 1, 'quantity', 1)));
select throws_ok($$ select api.set_bundle('L17', '[{"sku": "L16", "quantity": 1}]') $$, 'IV008', null, 'a 17th around them is refused');
select api.set_bundle('L18', '[{"sku": "C", "quantity": 1}]');
select throws_ok($$ select api.set_bundle('L1', '[{"sku": "L18", "quantity": 1}]') $$, 'IV008', null, 'or inside of them');
select throws_ok($$ select api.set_bundle('L8', '[{"sku": "L7", "quantity": 1}, {"sku": "HAMPER", "quantity": 1}, {"sku": "L17", "quantity": 1}]'), api.set_bundle('L17', '[{"sku": "L7", "quantity": 1}]') $$, 'IV008', null,
    'or between them');
select is((select quantity::text from internal.bundle_parts((select i.id from inventory.item as i where i.sku = 'L16'))), '2', 'all 16 are taken apart');

-- Reserved by its components, demand summed before it is checked (f01).
select * from api.add_stock('A', 'W1', 10);
select * from api.add_stock('B', 'W1', 4);
select * from api.add_stock('C', 'W1', 5);
select is(pg_temp.held('{"sku": "KIT", "location": "W1", "quantity": 2, "reservation_id": "00000000-0000-0000-0000-000000000001"}'), 'A 4, B 2', 'components are held');
select results_eq($$ select sku, quantity from api.get_reservation('00000000-0000-0000-0000-000000000001') order by 1 $$, $$ values ('A', 4::bigint), ('B', 2) $$, 'the reservation has them');
select is(pg_temp.held('{"sku": "KIT", "location": "W1", "quantity": 3}'), 'IV001', 'as far as each goes');
select is(test.refusal($$ select * from api.reserve_stock('KIT', 'W1', 3) $$) - 'version', '{"code": "IV001", "sku": "B", "location": "W1", "requested": 3, "available": 2}', 'the detail names the component');
select is(test.level('A', 'W1'), '10 4 6 in_stock v2', 'and none is held in vain');
select is(pg_temp.held('{"lines": [{"sku": "KIT", "location": "W1", "quantity": 2}, {"sku": "A", "location": "W1", "quantity": 3}]}'), 'IV001', 'what a bundle and a line need of one item is summed');
select is(test.refusal($$ select * from api.reserve_stock(lines => '[{"sku": "KIT", "location": "W1", "quantity": 2}, {"sku": "A", "location": "W1", "quantity": 3}]') $$) ->> 'requested', '7', 'the detail has the sum');
select is(pg_temp.held('{"lines": [{"sku": "KIT", "location": "W1", "quantity": 1}, {"sku": "KIT", "location": "W1", "quantity": 2}]}'), 'IV001', 'so is what two lines need of a bundle');
select is(pg_temp.held('{"reservation_id": "00000000-0000-0000-0000-000000000002", "lines": [{"sku": "KIT", "location": "W1", "quantity": 2}, {"sku": "A", "location": "W1", "quantity": 2}]}'), 'A 6, B 2', 'a sum that fits is one line');
select is(test.movements('A', 'W1'), '{receipt 10/0/0/0/0/0,reserve 0/4/0/0/0/0,reserve 0/6/0/0/0/0}', 'and one movement');
select * from api.cancel_reservation('00000000-0000-0000-0000-000000000002');
select is(pg_temp.held('{"sku": "BOX", "location": "W1", "quantity": 1, "reservation_id": "00000000-0000-0000-0000-000000000003"}'), 'A 4, B 2, C 1', 'bundles in bundles are taken apart');
select * from api.cancel_reservation('00000000-0000-0000-0000-000000000003');
select * from api.cancel_reservation('00000000-0000-0000-0000-000000000001');
select is(pg_temp.held('{"sku": "HAMPER", "location": "W1", "quantity": 1, "reservation_id": "00000000-0000-0000-0000-000000000004"}'), 'A 7, B 3, C 1', 'by every way, summed');
select is(pg_temp.held('{"sku": "HAMPER", "location": "W1", "quantity": 1}'), 'IV001', 'one is all there are');

-- What was reserved stays what it was, whatever the bundle is made of later; a repeated request is answered as before.
select is(pg_temp.held('{"sku": "KIT", "location": "W1", "quantity": 1, "idempotency_key": "b"}'), 'A 2, B 1', 'with a key');
select api.set_bundle('KIT', '[{"sku": "A", "quantity": 1}, {"sku": "C", "quantity": 1}]');
select is(pg_temp.held('{"sku": "KIT", "location": "W1", "quantity": 1, "idempotency_key": "b"}'), 'A 2, B 1', 'its answer stays');
select lives_ok($$ select * from api.confirm_reservation('00000000-0000-0000-0000-000000000004') $$, 'reservations keep what they hold');
select is(test.level('A', 'W1') || ', ' || test.level('B', 'W1') || ', ' || test.level('C', 'W1'), '3 2 1 in_stock v10, 1 1 0 out_of_stock v10, 4 0 4 in_stock v5', 'and it is sold');

-- Taken out by its components, and confirmed by them.
select api.set_bundle('KIT', '[{"sku": "A", "quantity": 1}, {"sku": "C", "quantity": 2}]');
select is((select string_agg(r.sku || ' ' || r.on_hand, ', ' order by r.sku) from api.remove_stock('KIT', 'W1', 1) as r), 'A 2, C 2', 'a bundle that is removed takes its components');
select throws_ok($$ select * from api.remove_stock('KIT', 'W1', 1) $$, 'IV001', null, 'if they are there and free');
select is(test.outcomes('[{"op": "remove", "lines": [{"sku": "KIT", "location": "W1", "quantity": 1}, {"sku": "C", "location": "W1", "quantity": 1}]}]'), '{IV001}', 'with the other lines of the command');
select * from api.add_stock('A', 'W1', 2);
select is(test.outcomes('[{"op": "remove", "sku": "KIT", "location": "W1", "quantity": 1}, {"op": "add", "sku": "C", "location": "W1", "quantity": 2}, {"op": "reserve", "sku": "KIT", "location": "W1", "quantity": 1, "reservation_id": "00000000-0000-0000-0000-000000000005"},
    {"op": "reserve", "sku": "KIT", "location": "W1", "quantity": 1}, {"op": "confirm", "reservation_id": "00000000-0000-0000-0000-000000000005"}]'), '{applied,applied,applied,IV001,applied}', 'in one batch, in order');
select is(test.level('C', 'W1'), '0 0 0 out_of_stock v10', 'each once');

-- With what waits, what is digital, what is tracked elsewhere.
select api.set_stock_policy('C', 'W1', policy => 'backorder');
select * from api.add_stock('A', 'W1', 5);
select results_eq($$ select sku, quantity, backordered from api.reserve_stock('KIT', 'W1', 1, reservation_id => '00000000-0000-0000-0000-000000000006') order by 1 $$, $$ values ('A', 1::bigint, 0::bigint), ('C', 2, 2) $$,
    'a component may have to wait');
select throws_ok($$ select * from api.confirm_reservation('00000000-0000-0000-0000-000000000006') $$, 'IV020', null, 'then the bundle waits');
select * from api.add_stock('C', 'W1', 2);
select lives_ok($$ select * from api.confirm_reservation('00000000-0000-0000-0000-000000000006') $$, 'until it is there');
select api.set_bundle('KIT', '[{"sku": "A", "quantity": 1}, {"sku": "EBOOK", "quantity": 1}]');
select is(pg_temp.held('{"sku": "KIT", "location": "W1", "quantity": 2}'), 'A 2, EBOOK 2', 'a digital component needs no stock');
select api.set_item_units('KIT', '[{"unit": "PAIR", "quantity": 2}]');
select is(pg_temp.held('{"sku": "KIT", "location": "W1", "quantity": 1, "unit": "PAIR"}'), 'A 2, EBOOK 2', 'a bundle may have larger units');

-- Everything else is refused: a bundle has no stock.
select is_empty($$ select c.command, test.outcomes(jsonb_build_array(c.command::jsonb || '{"sku": "KIT", "quantity": 1}')) from unnest(array['{"op": "add", "location": "W1"}', '{"op": "adjust", "location": "W1", "reason": "r"}',
        '{"op": "return", "location": "W1"}', '{"op": "quarantine", "location": "W1"}', '{"op": "restore", "location": "W1"}', '{"op": "write_off", "location": "W1", "reason": "r"}', '{"op": "move", "from": "W1", "to": "W2"}',
        '{"op": "ship", "from": "W1", "to": "W2"}', '{"op": "add", "location": "W1", "unit": "PAIR"}']) as c (command)
    where test.outcomes(jsonb_build_array(c.command::jsonb || '{"sku": "KIT", "quantity": 1}')) <> '{IV016}' $$, 'all other operations name components');
select throws_ok($$ select * from api.add_stock('KIT', 'W1', 1) $$, 'IV016', null, 'also by their functions');
select throws_ok($$ select * from api.move_stock('KIT', 'W1', 'W2', 1) $$, 'IV016', null, 'a move');
select throws_ok($$ select * from api.ship_stock('W1', 'W2', 'KIT', 1) $$, 'IV016', null, 'a shipment');
select is(test.refusal($$ select * from api.ship_stock('W1', 'W2', 'KIT', 1) $$) ->> 'sku', 'KIT', 'the detail names it');
select throws_ok($$ select * from api.set_stock_policy('KIT', 'W1', 1) $$, 'IV016', null, 'settings');
select throws_ok($$ select * from api.reserve_stock('BARE', 'W1', 1) $$, 'IV016', null, 'a bundle without components cannot be had');
select throws_ok($$ select * from api.remove_stock('BARE', 'W1', 1) $$, 'IV016', null, 'or taken');
select is(test.outcomes('[{"op": "add", "lines": [{"sku": "A", "location": "W1", "quantity": 1}, {"sku": "KIT", "location": "W1", "quantity": 1}]}]'), '{IV016}', 'not one line in many');

-- Archived.
select api.set_bundle('OLDKIT', '[{"sku": "A", "quantity": 1}, {"sku": "B", "quantity": 1}]');
select * from api.add_stock('B', 'W1', 5);
select * from api.add_stock('A', 'W1', 1);
select api.upsert_item('B', status => 'archived');
select throws_ok($$ select * from api.reserve_stock('OLDKIT', 'W1', 1) $$, 'IV010', null, 'a bundle with an archived component is not held');
select is(test.refusal($$ select * from api.reserve_stock('OLDKIT', 'W1', 1) $$), '{"code": "IV010", "sku": "B", "bundle": "OLDKIT"}', 'the detail names it');
select lives_ok($$ select * from api.remove_stock('OLDKIT', 'W1', 1) $$, 'but may be taken out');
select api.upsert_item('B', status => 'active'), api.upsert_item('OLDKIT', status => 'archived');
select throws_ok($$ select * from api.reserve_stock('OLDKIT', 'W1', 1) $$, 'IV010', null, 'an archived bundle is not held either');
select throws_ok($$ select * from api.reserve_stock('KIT', 'SHUT', 1) $$, 'IV011', null, 'nor one at a closed location');

-- Compare-and-set goes with one level.
select api.set_bundle('BARE', '[{"sku": "A", "quantity": 2}]');
select throws_ok($$ select * from api.reserve_stock('KIT', 'W1', 1, expected_version => 1) $$, 'IV008', null, 'a bundle of several has several versions');
select throws_ok($$ select * from api.remove_stock('KIT', 'W1', 1, expected_version => 1) $$, 'IV008', null, 'also to take it');
select throws_ok($$ select * from api.remove_stock('BARE', 'W1', 1, expected_version => 1) $$, 'IV006', null, 'one of one has one');

select is_empty($$ select * from test.unexpected('{
    "select api.set_bundle(null, ''[]'')": "IV008", "select api.set_bundle(''NONE'', ''[]'')": "IV003", "select api.set_bundle(''A'', ''[]'')": "IV008", "select api.set_bundle(''EBOOK'', ''[]'')": "IV008",
    "select api.set_bundle(''KIT'', null)": "IV008", "select api.set_bundle(''KIT'', ''{}'')": "IV008", "select api.set_bundle(''KIT'', ''5'')": "IV008", "select api.set_bundle(''KIT'', ''null'')": "IV008",
    "select api.set_bundle(''KIT'', ''[5]'')": "IV008", "select api.set_bundle(''KIT'', ''[null]'')": "IV008", "select api.set_bundle(''KIT'', ''[{}]'')": "IV008", "select api.set_bundle(''KIT'', ''[{\"sku\": \"A\"}]'')": "IV008",
    "select api.set_bundle(''KIT'', ''[{\"sku\": 5, \"quantity\": 1}]'')": "IV008", "select api.set_bundle(''KIT'', ''[{\"sku\": \"A\", \"quantity\": 0}]'')": "IV008", "select api.set_bundle(''KIT'', ''[{\"sku\": \"A\", \"quantity\": -1}]'')": "IV008",
    "select api.set_bundle(''KIT'', ''[{\"sku\": \"A\", \"quantity\": 1.5}]'')": "IV008", "select api.set_bundle(''KIT'', ''[{\"sku\": \"A\", \"quantity\": \"1\"}]'')": "IV008", "select api.set_bundle(''KIT'', ''[{\"sku\": \"A\", \"quantity\": 1000001}]'')": "IV008",
    "select api.set_bundle(''KIT'', ''[{\"sku\": \"A\", \"quantity\": 1e30}]'')": "IV008", "select api.set_bundle(''KIT'', ''[{\"sku\": \"A\", \"quantity\": 1}, {\"sku\": \"A\", \"quantity\": 1}]'')": "IV008",
    "select api.set_bundle(''KIT'', ''[{\"sku\": \"NONE\", \"quantity\": 1}]'')": "IV003", "select * from api.reserve_stock(''KIT'', ''NONE'', 1)": "IV004", "select * from api.reserve_stock(''KIT'', ''W1'', 1, lot => ''L'')": "IV023",
    "select * from api.reserve_stock(''KIT'', ''W1'', 1000000000000)": "IV001"}') $$, 'what is wrong is refused by its code, and changes nothing');
select throws_ok($$ select api.set_bundle('KIT', (select jsonb_agg('{"sku": "A", "quantity": 1}'::jsonb) from generate_series(1, 1001))) $$, 'IV013', null, '1,001 components too');
select api.set_bundle('BOX', '[{"sku": "C", "quantity": 1000000}]'), api.set_bundle('HAMPER', '[{"sku": "BOX", "quantity": 1000000}]');
select throws_ok($$ select * from api.reserve_stock('HAMPER', 'W1', 2) $$, 'IV012', null, 'a demand out of range is refused, not wrapped around');
select is_empty('select * from test.broken_rules()', 'every invariant holds');
select * from finish();
rollback;
