-- Backorders: where the policy of a level lets it, what is short waits, and gets stock as it comes in, in the order in which it began to wait.
begin;
select plan(92);
select test.make_catalogue();
select api.upsert_location('W3');
select api.set_stock_policy(s.sku, s.location, policy => 'backorder') from (values ('A', 'W1'), ('B', 'W1'), ('A', 'W2')) as s (sku, location);
create function pg_temp.r(n integer) returns uuid language sql as $$ select ('00000000-0000-0000-0000-0000000000' || lpad(n::text, 2, '0'))::uuid $$;
-- quantity/backordered of reservations, in this order.
create function pg_temp.waits(variadic n integer[]) returns text language sql as $$
    select string_agg((select string_agg(l.quantity || '/' || l.backordered, '+' order by l.item_id, l.location_id) from inventory.reservation_line as l where l.reservation_id = pg_temp.r(u.n)), ' ' order by u.at)
    from unnest(n) with ordinality as u (n, at)
$$;
create function pg_temp.hold(n integer, quantity bigint, sku text default 'A', location text default 'W1', expires_in interval default '1 hour', owner text default null)
returns text language sql as $$
    select r.quantity || '/' || r.backordered || ' of ' || r.available from api.reserve_stock(sku, location, quantity, reservation_id => pg_temp.r(n), expires_in => expires_in, owner => owner) as r
$$;

-- What is there is held, the rest waits.
select * from api.add_stock('A', 'W1', 5);
select is(pg_temp.hold(1, 3), '3/0 of 2', 'what there is is held');
select is(pg_temp.hold(2, 6), '6/4 of 0', 'what is short waits');
select is(pg_temp.hold(3, 2), '2/2 of 0', 'then all of it');
select is(test.states('A', 'W1'), '5/5/0/6/0/0 backorder v6', 'the level says how much');
select is((test.movements('A', 'W1')) [3:], '{receipt 5/0/0/0/0/0,reserve 0/3/0/0/0/0,reserve 0/2/0/4/0/0,reserve 0/0/0/2/0/0}', 'the ledger too');
select results_eq($$ select available, backordered, status, policy from api.get_stock_level('A', 'W1') $$, $$ values (0::bigint, 6::bigint, 'out_of_stock', 'backorder') $$, 'as readers see it');

-- Who waits cannot be sold yet; what is allocated can.
select throws_ok($$ select * from api.confirm_reservation(pg_temp.r(2)) $$, 'IV020', null, 'what waits is not sold');
select is(test.refusal($$ select * from api.confirm_reservation(pg_temp.r(2)) $$), '{"code": "IV020", "sku": "A", "location": "W1", "allocated": 2, "backordered": 4}', 'the detail says how far it is');
select throws_ok($$ select * from api.remove_stock('A', 'W1', 1) $$, 'IV001', null, 'nothing is left to be taken');
select throws_ok($$ select * from api.confirm_reservation(pg_temp.r(2), '[{"sku": "A", "location": "W1", "quantity": 3}]') $$, 'IV020', null, 'nor is more than is allocated');

-- First come, first served, whatever brings the stock in.
select results_eq($$ select on_hand, reserved, available, version from api.add_stock('A', 'W1', 3) $$, $$ values (8::bigint, 8::bigint, 0::bigint, 8::bigint) $$, 'what comes in is given away at once; the answer says so');
select is(pg_temp.waits(2, 3), '6/1 2/2', 'to the first in the queue');
select is((select m.type || ' ' || m.reservation_id from inventory.stock_movement as m where m.version = 8 and m.location_id = 'W1'), 'allocate ' || pg_temp.r(2), 'in the name of the reservation');
select * from api.adjust_stock('A', 'W1', 2, reason => 'found');
select is(pg_temp.waits(2, 3), '6/0 2/1', 'an adjustment upwards: the first, then the second');
select is(pg_temp.hold(4, 3), '3/3 of 0', 'who comes later waits longer');
select is((select available from api.cancel_reservation(pg_temp.r(1))), 0::bigint, 'what is cancelled is given on');
select is(pg_temp.waits(1, 2, 3, 4), '3/0 6/0 2/0 3/1', 'in the order of the queue');
select lives_ok($$ select * from api.confirm_reservation(pg_temp.r(2)) $$, 'who waits no more is sold');
select * from api.return_stock('A', 'W1', 1);
select is(pg_temp.waits(3, 4) || ', ' || test.states('A', 'W1'), '2/0 3/0, 5/5/0/0/0/0 backorder v18', 'a return');
select is(pg_temp.hold(5, 4), '4/4 of 0', 'waits');
select is((select available from api.confirm_reservation(pg_temp.r(3), '[{"sku": "A", "location": "W1", "quantity": 1}]') order by version desc limit 1), 0::bigint, 'sold in part');
select is(pg_temp.waits(5), '4/3', 'the rest is given on');
select * from api.add_stock('A', 'W3', 4);
select is((select available from api.move_stock('A', 'W3', 'W1', 1) where location = 'W1'), 0::bigint, 'what is moved there');
select is(pg_temp.waits(5), '4/2', 'is given on');
select is((select count(*) from api.receive_transfer((select transfer_id from api.ship_stock('W3', 'W1', 'A', 1) limit 1))), 1::bigint, 'what a transfer brings');
select is(pg_temp.waits(5), '4/1', 'too');
select * from api.return_stock('A', 'W1', 1, state => 'damaged');
select is(pg_temp.waits(5), '4/1', 'nothing that is damaged');
select is((select available from api.restore_stock('A', 'W1', 1)), 0::bigint, 'until it is restored');
select is(pg_temp.waits(5), '4/0', 'then it is');

-- What is left over is for sale again.
select * from api.add_stock('A', 'W1', 2);
select is(test.level('A', 'W1'), '9 7 2 in_stock v' || (select version from api.get_stock_level('A', 'W1')), 'what nobody waits for is for sale');
select is(pg_temp.hold(6, 5), '5/3 of 0', 'and gone again');

-- Deadlines. Who waits is not counted past theirs, and gets nothing; a hold that runs out goes to who waits.
select is(pg_temp.hold(7, 4, expires_in => '1200 milliseconds'), '4/4 of 0', 'one that waits for a short while');
select is(pg_temp.hold(8, 2), '2/2 of 0', 'one behind');
select pg_sleep(1.24);
select is((select backordered from api.get_stock_level('A', 'W1')), 5::bigint, 'past its deadline nobody waits, for readers');
select is((select r.status from inventory.reservation as r where r.id = pg_temp.r(7)), 'PENDING', 'though nobody has written it yet');
select * from api.add_stock('A', 'W1', 4);
select is(pg_temp.waits(6, 7, 8), '5/0 4/0 2/1', 'who is late is passed over');
select is((select string_agg(distinct status, '') from api.get_reservation(pg_temp.r(7))), 'EXPIRED', 'and expired');
select is((select m.reserved_delta || ' ' || m.backordered_delta from inventory.stock_movement as m where m.reservation_id = pg_temp.r(7) and m.type = 'expire'), '0 -4', 'the ledger has it');
select is(pg_temp.hold(9, 1, 'B', expires_in => '1200 milliseconds'), '1/1 of 0', 'the sweeper too');
select pg_sleep(1.24);
select is(api.expire_reservations(), 1, 'expires who waits in vain');
select is(test.states('B', 'W1'), '0/0/0/0/0/0 backorder v4', 'nothing waits any more');
select * from api.add_stock('B', 'W1', 3);
select is(pg_temp.hold(10, 3, 'B', expires_in => '1200 milliseconds') || ', ' || pg_temp.hold(11, 2, 'B'), '3/0 of 0, 2/2 of 0', 'a short hold, and one that waits');
select pg_sleep(1.24);
select is((select available from api.get_stock_level('B', 'W1')), 3::bigint, 'at its deadline the stock is free');
select results_eq($$ select quantity, available, backordered from api.reserve_stock('B', 'W1', 2, reservation_id => pg_temp.r(12)) $$, $$ values (2::bigint, 0::bigint, 1::bigint) $$,
    'but who waited comes before who comes then');
select is(pg_temp.waits(11, 12), '2/0 2/1', 'each in turn');
select is((test.movements('B', 'W1')) [8:], '{expire 0/-3/0/0/0/0,allocate 0/2/0/-2/0/0,reserve 0/1/0/1/0/0}', 'the ledger says in which order');
select * from api.extend_reservation(pg_temp.r(11), '200 milliseconds');
select pg_sleep(0.24);
select is(api.expire_reservations(), 1, 'a hold that the sweeper expires');
select is(pg_temp.waits(12), '2/0', 'goes to who waits');

-- Ends of waiting: cancelled, confirmed in part, replaced, relocated.
select is(pg_temp.hold(14, 7, 'B') || ', ' || pg_temp.hold(15, 2, 'B'), '7/6 of 0, 2/2 of 0', 'one has a part and waits for the rest');
select results_eq($$ select status, on_hand, reserved, available from api.confirm_reservation(pg_temp.r(14), '[{"sku": "B", "location": "W1", "quantity": 1}]') limit 1 $$,
    $$ values ('COMMITTED', 2::bigint, 2::bigint, 0::bigint) $$, 'the part may be sold');
select results_eq($$ select status, quantity, backordered, confirmed from api.get_reservation(pg_temp.r(14)) $$, $$ values ('COMMITTED', 7::bigint, 0::bigint, 1::bigint) $$, 'then it waits no longer');
select is(test.states('B', 'W1'), '2/2/0/2/0/0 backorder v' || (select version from api.get_stock_level('B', 'W1')), 'only the other does');
select is((select count(*) from api.cancel_reservation(pg_temp.r(15))), 1::bigint, 'who waits may cancel');
select is(test.states('B', 'W1'), '2/2/0/0/0/0 backorder v' || (select version from api.get_stock_level('B', 'W1')), 'nobody waits');
select is(pg_temp.hold(16, 2, 'B'), '2/2 of 0', 'who waits');
select * from api.add_stock('B', 'W2', 5);
select results_eq($$ select location, quantity, available, backordered from api.relocate_reservation(pg_temp.r(16), 'W2') $$, $$ values ('W2', 2::bigint, 3::bigint, 0::bigint) $$,
    'may get it elsewhere');
select is(pg_temp.waits(16), '2/0', 'and waits no more');
select results_eq($$ select location, quantity, backordered from api.relocate_reservation(pg_temp.r(16), 'W1') $$, $$ values ('W1', 2::bigint, 2::bigint) $$, 'or go to where they have to wait');
select is((select count(*) from api.extend_reservation(pg_temp.r(16), '2 hours')), 1::bigint, 'who waits may wait longer');
select throws_ok($$ select * from api.confirm_reservation(pg_temp.r(16)) $$, 'IV020', null, 'and still does');

-- Several lines: one that waits does not hold up the others.
select results_eq($$ select sku, location, quantity, backordered from api.reserve_stock(reservation_id => pg_temp.r(20), lines =>
    '[{"sku": "B", "location": "W1", "quantity": 2}, {"sku": "B", "location": "W2", "quantity": 4}, {"sku": "A", "location": "W2", "quantity": 1}]') order by 1, 2 $$,
    $$ values ('A', 'W2', 1::bigint, 1::bigint), ('B', 'W1', 2, 2), ('B', 'W2', 4, 0) $$, 'lines that wait beside one that has all');
select throws_ok($$ select * from api.reserve_stock(lines => '[{"sku": "A", "location": "W2", "quantity": 4}, {"sku": "B", "location": "W2", "quantity": 2}]') $$, 'IV001', null,
    'one that may not wait refuses all');
select is(test.states('A', 'W2'), '0/0/0/1/0/0 backorder v3', 'and leaves nobody waiting');
select throws_ok($$ select * from api.confirm_reservation(pg_temp.r(20)) $$, 'IV020', null, 'one line that waits holds up the sale');
select is((select status from api.confirm_reservation(pg_temp.r(20), '[{"sku": "B", "location": "W2", "quantity": 4}]') limit 1), 'COMMITTED', 'but not of the rest by itself');
select is(test.states('A', 'W2'), '0/0/0/0/0/0 backorder v4', 'what waited is given up');

-- Another policy: who waits goes on waiting, nobody new may.
select is(pg_temp.hold(21, 3, 'A', 'W2'), '3/3 of 0', 'waits');
select * from api.set_stock_policy('A', 'W2', policy => 'deny');
select throws_ok($$ select * from api.reserve_stock('A', 'W2', 1) $$, 'IV001', null, 'with the policy deny nobody may wait');
select is((select available from api.add_stock('A', 'W2', 4)), 1::bigint, 'but who did is served first');
select is(pg_temp.waits(21), '3/0', 'and has all');
select is(pg_temp.hold(22, 1, 'A', 'W2'), '1/0 of 0', 'the rest is for sale');

-- Goods that a supplier delivers, and what a count finds.
select api.upsert_supplier('S', 'Supplier'), api.upsert_items('[{"sku": "C", "name": "c"}]'), api.set_default_policy('C', policy => 'backorder');
select is(pg_temp.hold(30, 5, 'C') || ', ' || pg_temp.hold(31, 3, 'C'), '5/5 of 0, 3/3 of 0', 'two wait');
create temporary table ordered as select distinct o.purchase_order_id from api.place_purchase_order('S', 'W1', '[{"sku": "C", "quantity": 6}]') as o;
select is(test.states('C', 'W1'), '0/0/0/8/0/6 backorder v3', 'what is ordered is not there yet');
select is((select available from api.receive_purchase_order((select o.purchase_order_id from ordered as o), '[{"sku": "C", "received": 5, "damaged": 1}]')), 0::bigint, 'what a supplier delivers in order');
select is(pg_temp.waits(30, 31) || ', ' || test.states('C', 'W1'), '5/0 3/3, 5/5/0/3/1/0 backorder v5', 'goes to who waits');
create temporary table counted as select c.count_id from api.open_count('W1', '{C}') as c;
select is((select variance from api.count_line((select c.count_id from counted as c), 'C', 7)), 2::bigint, 'a count finds more');
select is((select status from api.approve_count((select c.count_id from counted as c))), 'APPROVED', 'is approved');
select is((select available from api.post_count((select c.count_id from counted as c)) limit 1), 0::bigint, 'and posted');
select is(pg_temp.waits(30, 31), '5/0 3/1', 'to who waits');

-- In one batch: stock that comes in goes to who waits, before a later command of the batch can have it.
select is(pg_temp.hold(23, 2, 'B'), '2/2 of 0', 'waits') ;
select is(test.outcomes('[{"op": "add", "sku": "B", "location": "W1", "quantity": 3}, {"op": "remove", "sku": "B", "location": "W1", "quantity": 1},
    {"op": "add", "sku": "B", "location": "W1", "quantity": 2}, {"op": "remove", "sku": "B", "location": "W1", "quantity": 1}, {"op": "remove", "sku": "B", "location": "W1", "quantity": 1}]'),
    '{applied,IV001,applied,applied,IV001}', 'commands of one batch come after who waits');
select is(pg_temp.waits(16, 23), '2/0 2/0', 'in their order');
select is(test.states('B', 'W1'), '6/6/0/0/0/0 backorder v' || (select version from api.get_stock_level('B', 'W1')), 'nothing is left');
-- What a reservation holds does not change under one version of it.
create function pg_temp.versions(variadic n integer[]) returns text language sql as $$
    select string_agg(r.version::text, ' ' order by u.at)
    from unnest(n) with ordinality as u (n, at) join inventory.reservation as r on r.id = pg_temp.r(u.n)
$$;
select api.set_stock_policy('B', 'W3', policy => 'backorder');
select pg_temp.hold(81, 2, 'B', 'W3'), pg_temp.hold(82, 3, 'B', 'W3'), pg_temp.hold(83, 1, 'B', 'W3');
select is(pg_temp.versions(81, 82, 83), '1 1 1', 'three wait');
select api.add_stock('B', 'W3', 3);
select is(pg_temp.waits(81, 82, 83) || ', ' || pg_temp.versions(81, 82, 83), '2/0 3/2 1/1, 2 2 1', 'who gets stock has a new version, who does not keeps it');
select is((select count(*) from api.apply_commands('[{"op": "add", "sku": "B", "location": "W3", "quantity": 1}, {"op": "add", "sku": "B", "location": "W3", "quantity": 1}]')
    where outcome = 'applied'), 2::bigint, 'two receipts in one batch');
select is(pg_temp.waits(82, 83) || ', ' || pg_temp.versions(81, 82, 83), '3/0 1/1, 2 3 1', 'are one new version');

-- Under a policy that is never short nobody waits: who waited is served before anybody else.
select pg_temp.hold(84, 2, 'B', 'W3');
create temporary table changed as select * from api.set_stock_policy('B', 'W3', policy => 'oversell', reason => 'season', user_id => 'u');
select results_eq($$ select c.policy, c.backordered, c.reserved, c.available, c.version = s.version from changed as c, inventory.stock_level as s
        where s.item_id = c.item_id and s.location_id = c.location $$,
    $$ values ('oversell', 0::bigint, 8::bigint, -3::bigint, true) $$, 'a change to oversell gives all to those who wait');
select is(pg_temp.waits(83, 84) || ', ' || pg_temp.versions(82, 83, 84), '1/0 2/0, 3 2 2', 'and they have a new version');
select results_eq($$ select m.type, m.reservation_id, m.reason, m.user_id, m.reserved_delta from inventory.stock_movement as m join inventory.item as i on i.id = m.item_id
        where i.sku = 'B' and m.location_id = 'W3' order by m.version desc limit 3 $$,
    $$ values ('allocate', pg_temp.r(84), 'season', 'u', 2::bigint), ('allocate', pg_temp.r(83), 'season', 'u', 1), ('policy', null, 'season', 'u', 0) $$, 'in the order of waiting');
select is(pg_temp.hold(85, 1, 'B', 'W3'), '1/0 of -4', 'who comes later comes after them');
select is_empty('select * from test.broken_rules()', 'every invariant holds');
select * from finish();
rollback;
