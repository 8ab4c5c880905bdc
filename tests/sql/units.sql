-- Units of measure: api.set_item_units, api.convert_quantity, and unit in commands. Balances are in base units; nothing is ever rounded.
begin;
select plan(45);
select test.make_catalogue();
select api.upsert_item('A', unit_of_measure => 'BOTTLE');

-- Which units there are.
select results_eq($$ select unit, quantity from api.set_item_units('A', '[{"unit": "PALLET", "quantity": 480}, {"unit": "CASE", "quantity": 12}]') $$, $$ values ('CASE', 12::bigint), ('PALLET', 480) $$, 'larger units of an item');
select results_eq($$ select unit, quantity from api.set_item_units('A', '[{"unit": "CASE", "quantity": 12}, {"unit": "PACK", "quantity": 4}, {"unit": "PALLET", "quantity": 480}]') $$,
    $$ values ('PACK', 4::bigint), ('CASE', 12), ('PALLET', 480) $$, 'in place of those before');
select is_empty($$ select * from api.set_item_units('B', '[]') $$, 'or none');
select lives_ok($$ select * from api.set_item_units('B', '[{"unit": "CASE", "quantity": 6}]') $$, 'each item has its own');

-- Conversion, exactly.
select is(api.convert_quantity('A', 5, 'CASE', 'BOTTLE'), 60::bigint, 'to the base unit');
select is(api.convert_quantity('A', 60, 'BOTTLE', 'CASE'), 5::bigint, 'from it');
select is(api.convert_quantity('A', 2, 'PALLET', 'CASE'), 80::bigint, 'between others');
select is(api.convert_quantity('A', 3, 'PACK', 'CASE'), 1::bigint, 'upwards too');
select is(api.convert_quantity('A', -3, 'CASE', 'PACK'), -9::bigint, 'a difference too');
select is(api.convert_quantity('A', 0, 'CASE', 'PALLET'), 0::bigint, 'nothing is nothing');
select is(api.convert_quantity('B', 1, 'CASE', 'EACH'), 6::bigint, 'by the units of the item');
select throws_ok($$ select api.convert_quantity('A', 61, 'BOTTLE', 'CASE') $$, 'IV027', null, 'what is no whole number is refused');
select is(test.refusal($$ select api.convert_quantity('A', 61, 'BOTTLE', 'CASE') $$), '{"code": "IV027", "sku": "A", "unit": "CASE", "factor": 12, "base_quantity": 61}', 'the detail has both');
select throws_ok($$ select api.convert_quantity('A', 1, 'PACK', 'CASE') $$, 'IV027', null, 'not rounded to nothing');
select is(test.refusal($$ select api.convert_quantity('A', 1, 'BOX', 'CASE') $$), '{"code": "IV015", "sku": "A", "unit": "BOX"}', 'an unknown unit is named');

-- In commands.
select is((select on_hand from api.add_stock('A', 'W1', 2, unit => 'CASE')), 24::bigint, 'received in cases');
select is((select on_hand from api.remove_stock('A', 'W1', 1, unit => 'PACK')), 20::bigint, 'removed in packs');
select is((select on_hand from api.adjust_stock('A', 'W1', -1, unit => 'PACK', reason => 'r')), 16::bigint, 'adjusted');
select is((select on_hand from api.add_stock('A', 'W1', 4, unit => 'BOTTLE')), 20::bigint, 'the base unit may be said');
select results_eq($$ select quantity, available from api.reserve_stock('A', 'W1', 1, unit => 'CASE', reservation_id => '00000000-0000-0000-0000-000000000001') $$, $$ values (12::bigint, 8::bigint) $$, 'held');
select throws_ok($$ select * from api.reserve_stock('A', 'W1', 1, unit => 'CASE') $$, 'IV001', null, 'a whole case or none');
select is(test.refusal($$ select * from api.reserve_stock('A', 'W1', 1, unit => 'CASE') $$) ->> 'requested', '12', 'the detail is in base units');
select results_eq($$ select quantity from api.reserve_stock('A', 'W1', 1, unit => 'CASE', partial => true, reservation_id => '00000000-0000-0000-0000-000000000002') $$, $$ values (8::bigint) $$, 'partial: by the base unit');
select is((select on_hand from api.confirm_reservation('00000000-0000-0000-0000-000000000001', '[{"sku": "A", "location": "W1", "quantity": 2, "unit": "PACK"}]') order by version desc limit 1), 12::bigint, 'sold in part, in packs');
select is((select confirmed from api.get_reservation('00000000-0000-0000-0000-000000000001')), 8::bigint, 'of the case that was held');
select is((select string_agg(m.location || ' ' || m.on_hand, ', ' order by m.location) from api.move_stock('A', 'W1', 'W2', 1, unit => 'PACK') as m), 'W1 8, W2 4', 'moved');
select is((select damaged from api.quarantine_stock('A', 'W2', 1, unit => 'PACK')), 4::bigint, 'quarantined');
select is((select damaged from api.write_off_stock('A', 'W2', 1, unit => 'PACK', reason => 'r')), 0::bigint, 'written off');
select is((select on_hand from api.return_stock('A', 'W2', 1, unit => 'CASE')), 12::bigint, 'returned');
select is(test.outcomes('[{"op": "add", "lines": [{"sku": "A", "location": "W2", "quantity": 1, "unit": "PACK"}, {"sku": "B", "location": "W2", "quantity": 1, "unit": "CASE"}, {"sku": "A", "location": "W2", "quantity": 1}]}]'), '{applied}',
    'lines each in their own');
select is(test.states('A', 'W2') || ', ' || test.states('B', 'W2'), '17/0/0/0/0/0 v5, 6/0/0/0/0/0 v1', 'summed in base units');
select is(test.outcomes('[{"op": "adjust", "reason": "r", "lines": [{"sku": "A", "location": "W2", "quantity": 1, "unit": "PACK"}, {"sku": "A", "location": "W2", "quantity": -5}]}]'), '{applied}', 'up and down');
select is(test.states('A', 'W2'), '16/0/0/0/0/0 v6', 'the sum counts');
select is(test.outcomes('[{"op": "add", "sku": "B", "location": "W2", "quantity": 1}, {"op": "add", "sku": "B", "location": "W2", "quantity": 1, "unit": "CASE"}, {"op": "remove", "sku": "B", "location": "W2", "quantity": 13},
    {"op": "remove", "sku": "B", "location": "W2", "quantity": 2, "unit": "CASE"}, {"op": "remove", "sku": "B", "location": "W2", "quantity": 1, "unit": "EACH"}]'), '{applied,applied,applied,IV001,IV001}', 'in one batch with others');

-- A unit that is given another size counts for what comes then; a repeated request is answered as before.
select is((select on_hand from api.add_stock('B', 'W1', 1, unit => 'CASE', idempotency_key => 'u')), 6::bigint, 'a case of six');
select api.set_item_units('B', '[{"unit": "CASE", "quantity": 10}]');
select is((select on_hand from api.add_stock('B', 'W1', 1, unit => 'CASE', idempotency_key => 'u')), 6::bigint, 'its answer stays');
select is((select on_hand from api.add_stock('B', 'W1', 1, unit => 'CASE')), 16::bigint, 'the next one has ten');
select throws_ok($$ select * from api.add_stock('B', 'W1', 1, idempotency_key => 'u') $$, 'IV007', null, 'without its unit it is another request');

-- The base unit is none of the larger ones.
select throws_ok($$ select * from api.upsert_item('A', unit_of_measure => 'CASE') $$, 'IV008', null, 'a larger unit does not become the base unit');
select lives_ok($$ select api.upsert_item('A', unit_of_measure => 'FLASK'), api.upsert_item('A', unit_of_measure => 'BOTTLE') $$, 'another name may');

-- Compare-and-set.
select is((select version from api.add_stock('B', 'W1', 1, unit => 'CASE', expected_version => 2)), 3::bigint, 'with a version');
select throws_ok($$ select * from api.add_stock('B', 'W1', 1, unit => 'CASE', expected_version => 2) $$, 'IV006', null, 'a stale one is refused');

select is_empty($$ select * from test.unexpected('{
    "select api.set_item_units(null, ''[]'')": "IV008", "select api.set_item_units(''NONE'', ''[]'')": "IV003", "select api.set_item_units(''A'', null)": "IV008", "select api.set_item_units(''A'', ''{}'')": "IV008",
    "select api.set_item_units(''A'', ''[5]'')": "IV008", "select api.set_item_units(''A'', ''[{}]'')": "IV008", "select api.set_item_units(''A'', ''[{\"unit\": \"X\"}]'')": "IV008",
    "select api.set_item_units(''A'', ''[{\"unit\": \"X\", \"quantity\": 0}]'')": "IV008", "select api.set_item_units(''A'', ''[{\"unit\": \"X\", \"quantity\": -1}]'')": "IV008", "select api.set_item_units(''A'', ''[{\"unit\": \"X\", \"quantity\": 1.5}]'')": "IV008",
    "select api.set_item_units(''A'', ''[{\"unit\": \"X\", \"quantity\": \"12\"}]'')": "IV008", "select api.set_item_units(''A'', ''[{\"unit\": \"X\", \"quantity\": 1000000001}]'')": "IV008", "select api.set_item_units(''A'', ''[{\"unit\": \"X\", \"quantity\": 1e99}]'')": "IV008",
    "select api.set_item_units(''A'', ''[{\"unit\": \"\", \"quantity\": 1}]'')": "IV008", "select api.set_item_units(''A'', ''[{\"unit\": \"A B\", \"quantity\": 1}]'')": "IV008", "select api.set_item_units(''A'', ''[{\"unit\": \"SEVENTEEN_LETTERS\", \"quantity\": 1}]'')": "IV008",
    "select api.set_item_units(''A'', ''[{\"unit\": 5, \"quantity\": 1}]'')": "IV008", "select api.set_item_units(''A'', ''[{\"unit\": \"BOTTLE\", \"quantity\": 2}]'')": "IV008",
    "select api.set_item_units(''A'', ''[{\"unit\": \"X\", \"quantity\": 2}, {\"unit\": \"X\", \"quantity\": 3}]'')": "IV008",
    "select api.convert_quantity(null, 1, ''CASE'', ''PACK'')": "IV008", "select api.convert_quantity(''A'', null, ''CASE'', ''PACK'')": "IV008", "select api.convert_quantity(''A'', 1, null, ''PACK'')": "IV008",
    "select api.convert_quantity(''A'', 1, ''CASE'', null)": "IV008", "select api.convert_quantity(''NONE'', 1, ''CASE'', ''PACK'')": "IV003", "select api.convert_quantity(''A'', 1, ''CASE'', ''BOX'')": "IV015",
    "select api.convert_quantity(''A'', 1, ''case'', ''PACK'')": "IV015", "select api.convert_quantity(''A'', 1000000000000, ''CASE'', ''PACK'')": "IV012", "select api.convert_quantity(''A'', 9223372036854775807, ''PALLET'', ''PACK'')": "IV012",
    "select * from api.add_stock(''A'', ''W1'', 1, unit => ''BOX'')": "IV015", "select * from api.add_stock(''A'', ''W1'', 1, unit => '''')": "IV008", "select * from api.add_stock(''A'', ''W1'', 1, unit => ''A B'')": "IV008",
    "select * from api.add_stock(''A'', ''W1'', 1000000000000, unit => ''PALLET'')": "IV012", "select * from api.remove_stock(''A'', ''W1'', 9223372036854775807, unit => ''PALLET'')": "IV012", "select * from api.add_stock(''B'', ''W1'', 1, unit => ''PALLET'')": "IV015"}') $$,
    'what is wrong is refused by its code, and changes nothing');
select is(test.outcomes('[{"op": "add", "sku": "A", "location": "W1", "quantity": 1, "unit": 12}, {"op": "add", "sku": "A", "location": "W1", "quantity": 1, "unit": null}, {"op": "add", "unit": "CASE", "lines": [{"sku": "A", "location": "W1", "quantity": 1}]},
    {"op": "cancel", "reservation_id": "00000000-0000-0000-0000-000000000002", "unit": "CASE"}]'), '{IV008,IV008,IV008,IV008}', 'a unit is a text, of a line');
select is_empty('select * from test.broken_rules()', 'every invariant holds');
select * from finish();
rollback;
