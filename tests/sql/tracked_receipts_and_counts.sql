-- Purchase orders and counts of items with lots and serial numbers.
begin;
select plan(46);
select test.make_catalogue();
select api.upsert_items('[{"sku": "L", "name": "By lot", "tracking": "lot"}, {"sku": "S", "name": "By serial number", "tracking": "serial"}]');
select api.upsert_supplier('S1');
create function pg_temp.lots(location text) returns text[] language sql as $$
    select array_agg(concat_ws(' ', o.code, v.on_hand, v.damaged) order by o.code)
    from inventory.lot_level as v join inventory.lot as o on o.id = v.lot_id join inventory.item as i on i.id = v.item_id and i.sku = 'L'
    where v.location_id = lots.location;
$$;
create function pg_temp.serials(location text) returns text[] language sql as $$
    select array_agg(s.serial || ' ' || s.status order by s.serial) from inventory.serial as s where s.location_id = serials.location;
$$;

-- Ordering and receiving.
create temporary table po as select * from api.place_purchase_order('S1', 'W1', '[{"sku": "L", "quantity": 30}, {"sku": "S", "quantity": 5}]');
create temporary view o as select min(purchase_order_id::text)::uuid as id from po;
select throws_ok($$ select * from api.receive_purchase_order((select id from o), '[{"sku": "L", "received": 10}]') $$, 'IV023', null, 'a lot is required');
select throws_ok($$ select * from api.receive_purchase_order((select id from o)) $$, 'IV023', null, 'also for all of it');
select throws_ok($$ select * from api.receive_purchase_order((select id from o), '[{"sku": "L", "received": 10, "serials": ["X"]}]') $$, 'IV023', null, 'serial numbers do not belong to an item with lots');
select results_eq($$ select sku, quantity, on_hand, damaged, incoming from api.receive_purchase_order((select id from o),
        '[{"sku": "L", "received": 10, "lot": "L1", "lot_expires_at": "2100-01-01 00:00:00+00"}, {"sku": "L", "received": 5, "damaged": 2, "lot": "L2"}]') $$,
    $$ values ('L', 10::bigint, 10::bigint, 0::bigint, 20::bigint), ('L', 7, 15, 2, 13) $$, 'one delivery may have several lots');
select is(pg_temp.lots('W1'), '{L1 10 0,L2 5 2}', 'each is kept');
select throws_ok($$ select * from api.receive_purchase_order((select id from o), '[{"sku": "S", "received": 2, "serials": ["A1"]}]') $$, 'IV023', null, 'each unit is named');
select throws_ok($$ select * from api.receive_purchase_order((select id from o), '[{"sku": "S", "received": 1, "damaged": 1, "serials": ["A1", "A2"]}]') $$, 'IV008', null, 'sellable and damaged units in lines of their own');
select throws_ok($$ select * from api.receive_purchase_order((select id from o), '[{"sku": "S", "received": 2, "serials": ["A1", "A1"]}]') $$, 'IV023', null, 'a number twice is refused');
select results_eq($$ select sku, on_hand, damaged, incoming from api.receive_purchase_order((select id from o),
        '[{"sku": "S", "received": 2, "serials": ["A1", "A2"]}, {"sku": "S", "damaged": 1, "serials": ["A3"]}, {"sku": "S", "received": 1, "damaged": 0, "serials": ["A4"]}]') order by on_hand, damaged $$,
    $$ values ('S', 3::bigint, 0::bigint, 2::bigint), ('S', 3, 1, 1) $$, 'units are received by their numbers');
select is(pg_temp.serials('W1'), '{A1 in_stock,A2 in_stock,A3 damaged,A4 in_stock}', 'each is what it is');
select throws_ok($$ select * from api.receive_purchase_order((select id from o), '[{"sku": "S", "received": 1, "serials": ["A1"]}]') $$, 'IV024', null, 'a number in stock does not come again');
select is((select received || ' ' || damaged || ' ' || open from api.get_purchase_order((select id from o)) where sku = 'S'), '3 1 1', 'the order has what came');
select is((select array_agg(m.detail ->> 'lot' order by m.version) from inventory.stock_movement as m where m.type = 'order_receipt' and m.detail ? 'lot'), '{L1,L2}', 'the ledger names the lot');
select results_eq($$ select sku, incoming from api.cancel_purchase_order((select id from o)) order by sku $$, $$ values ('L', 0::bigint), ('S', 0::bigint) $$, 'what is open is called off');

-- Counting lots.
create temporary table c as select * from api.open_count('W1', '{L,S}');
select results_eq($$ select sku, lot from api.get_count((select count_id from c)) $$, $$ values ('L', 'L1'), ('L', 'L2'), ('S', null) $$, 'a line for each lot');
select throws_ok($$ select * from api.count_line((select count_id from c), 'L', 9) $$, 'IV023', null, 'a lot is required');
select throws_ok($$ select * from api.count_line((select count_id from c), 'L', 9, lot => 'L9') $$, 'IV021', null, 'one that there is');
select throws_ok($$ select * from api.count_line((select count_id from c), 'S', 9) $$, 'IV023', null, 'each unit is named');
select throws_ok($$ select * from api.count_line((select count_id from c), 'S', 3, serials => '{A1,A2}') $$, 'IV023', null, 'as many as there are');
select throws_ok($$ select * from api.count_line((select count_id from c), 'S', serials => '{A1,A1}') $$, 'IV023', null, 'none of them twice');
select throws_ok($$ select * from api.count_line((select count_id from c), 'S', 1, lot => 'L1', serials => '{A1}') $$, 'IV023', null, 'they are not counted by lot');
select results_eq($$ select lot, expected, counted, variance from api.count_line((select count_id from c), 'L', 9, lot => 'L1') $$, $$ values ('L1', 10::bigint, 9::bigint, -1::bigint) $$, 'a lot is counted by itself');
select is((select variance from api.count_line((select count_id from c), 'L', 7, lot => 'L2')), 2::bigint, 'and the other');
-- A1 is missing, A5 turned up; A2 is there.
select results_eq($$ select expected, counted, variance, serials from api.count_line((select count_id from c), 'S', serials => '{A2,A4,A5}') $$,
    $$ values (3::bigint, 3::bigint, 0::bigint, '{A2,A4,A5}'::text[]) $$, 'units are counted by their numbers');
select lives_ok($$ select api.remove_stock('S', 'W1', 1, serials => '{A4}'), api.remove_stock('L', 'W1', 4, lot => 'L1') $$, 'stock moves on');
select api.approve_count(count_id) from c;
select results_eq($$ select sku, variance, on_hand from api.post_count((select count_id from c)) order by sku, variance, on_hand $$,
    $$ values ('L', -1::bigint, 10::bigint), ('L', 2, 12), ('S', -1, 1), ('S', 1, 2) $$, 'lots and units are corrected');
select is(pg_temp.lots('W1'), '{L1 5 0,L2 7 2}', 'each lot has what was counted, less what has left since');
select is(pg_temp.serials('W1'), '{A2 in_stock,A3 damaged,A5 in_stock}', 'the missing unit is gone, the other there, the one that left since is not back');
select is((select posted_variance from api.get_count((select count_id from c)) where sku = 'S'), 0::bigint, 'the line has the sum');
select is((select array_agg(m.detail -> 'serials' order by m.version) from inventory.stock_movement as m where m.type = 'count' and m.detail ? 'serials'), array['["A1"]', '["A5"]']::jsonb[], 'the ledger names the units');

-- What happened to a unit after it was counted has the last word.
create temporary table d as select * from api.open_count('W1', '{S}');
select api.count_line(count_id, 'S', serials => '{A7}') from d;
select api.remove_stock('S', 'W1', 1, serials => '{A2}'), api.add_stock('S', 'W1', 1, serials => '{A7}'), api.add_stock('S', 'W1', 1, serials => '{A8}');
select api.approve_count(count_id) from d;
select results_eq($$ select sku, variance, on_hand from api.post_count((select count_id from d)) $$, $$ values ('S', -1::bigint, 2::bigint) $$, 'only what nothing happened to is corrected');
select is(pg_temp.serials('W1'), '{A3 damaged,A7 in_stock,A8 in_stock}', 'a unit that left or came since is where it is');
-- A unit that is in stock elsewhere cannot turn up.
select api.add_stock('S', 'W2', 1, serials => '{B1}');
create temporary table e as select * from api.open_count('W1', '{S}');
select api.count_line(count_id, 'S', serials => '{A7,A8,B1}') from e;
select api.approve_count(count_id) from e;
select is(test.refusal($$ select * from api.post_count((select count_id from e)) $$) - '{version,location,sku}'::text[], '{"code": "IV024", "serials": ["B1"]}', 'a unit in stock elsewhere is refused');
select is(pg_temp.serials('W1'), '{A3 damaged,A7 in_stock,A8 in_stock}', 'and nothing is corrected');
select api.cancel_count(count_id) from e;
-- None left.
create temporary table f as select * from api.open_count('W1', '{S}');
select is((select variance from api.count_line((select count_id from f), 'S', 0)), -2::bigint, 'that nothing is left needs no numbers');
select api.approve_count(count_id) from f;
select is((select variance || ' ' || on_hand from api.post_count((select count_id from f))), '-2 0', 'all units are gone then');
-- A unit that a reservation has named stays.
select api.reserve_stock(lines => '[{"sku": "S", "location": "W2", "quantity": 1, "serials": ["B1"]}]');
create temporary table g as select * from api.open_count('W2', '{S}');
select api.count_line(count_id, 'S', 0) from g;
select api.approve_count(count_id) from g;
select throws_ok($$ select * from api.post_count((select count_id from g)) $$, 'IV001', null, 'a unit that is reserved is not counted away');
-- A lot is counted as of the counting moment, also by what is reported late.
create temporary table h as select * from api.open_count('W1', '{L}');
select api.count_line(count_id, 'L', 3, lot => 'L1'), api.count_line(count_id, 'L', 7, lot => 'L2') from h;
select api.remove_stock('L', 'W1', 2, lot => 'L1', occurred_at => now() - interval '1 hour');
select api.approve_count(count_id) from h;
select is((select concat_ws(' ', status, sku) from api.post_count((select count_id from h))), 'POSTED', 'a sale reported late explains what was missing');
select is(pg_temp.lots('W1'), '{L1 3 0,L2 7 2}', 'and is not taken off twice');
-- More of a lot than is free.
select api.reserve_stock('L', 'W1', 10);
create temporary table k as select * from api.open_count('W1', '{L}');
select api.count_line(count_id, 'L', 2, lot => 'L1'), api.count_line(count_id, 'L', 8, lot => 'L2') from k;
select api.approve_count(count_id) from k;
select throws_ok($$ select * from api.post_count((select count_id from k)) $$, 'IV001', null, 'a lot that is reserved is not counted away');
select is((select status from inventory.stock_count where id = (select count_id from k)), 'APPROVED', 'the count waits');
-- Lots in a list of what to count.
select is((select count(*) from api.list_items_to_count('W1', all_items => true)), 2::bigint, 'an item is listed once, whatever its lots');
select is((select lines from api.open_count('W2')), 0::bigint, 'what is being counted is left out');
select is((select bool_and(l.counted is null) from inventory.stock_count_line as l join inventory.stock_count as c on c.id = l.stock_count_id and c.status = 'OPEN'), null, 'no line was counted unasked');
select is_empty('select * from api.check_conservation()', 'nothing appeared or vanished');
select is_empty('select * from test.broken_rules()', 'every invariant holds');
select * from finish();
rollback;
