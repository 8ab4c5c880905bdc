-- api.place_purchase_order, api.receive_purchase_order, api.cancel_purchase_order, api.get_purchase_order, api.list_purchase_orders.
begin;
select plan(89);
select test.make_catalogue();
select api.upsert_item('KIT', name => 'Kit', kind => 'bundle');
select api.upsert_supplier('S1'), api.upsert_supplier('GONE', status => 'archived');
select api.set_item_supplier('A', 'S1', 7, unit_cost => 250, currency => 'EUR');
select api.set_item_units('A', '[{"unit": "BOX", "quantity": 12}]');
create function pg_temp.line(purchase_order uuid, item text) returns text language sql as $$
    select concat_ws(' ', status, ordered, received, damaged, cancelled, open, excess) from api.get_purchase_order(purchase_order) where sku = item;
$$;
create function pg_temp.states(sku text, location text) returns text language sql as $$
    select concat_ws(' ', s.on_hand, s.reserved, s.available, s.damaged, s.incoming, 'v' || s.version)
    from inventory.stock_level as s join inventory.item as i on i.id = s.item_id where i.sku = states.sku and s.location_id = states.location;
$$;

-- Placing.
create temporary table po as select * from api.place_purchase_order('S1', 'W1', '[{"sku": "A", "quantity": 24}, {"sku": "B", "quantity": 5}]',
    '2030-01-01 00:00:00+00', 'PO-1', idempotency_key => 'k1', reason => 'stocking up', user_id => 'u');
select results_eq($$ select status, sku, location, type, quantity, on_hand, reserved, available, damaged, incoming, version, replayed from po order by sku $$,
    $$ values ('OPEN', 'A', 'W1', 'expect', 24::bigint, 0::bigint, 0::bigint, 0::bigint, 0::bigint, 24::bigint, 1::bigint, false),
        ('OPEN', 'B', 'W1', 'expect', 5, 0, 0, 0, 0, 5, 1, false) $$, 'what is ordered is incoming, and not for sale');
create temporary table o as select min(purchase_order_id::text)::uuid as id from po;
select results_eq($$ select supplier, location, status, reference, expected_at, version, sku, ordered, received, damaged, cancelled, open, excess, unit_cost, currency
        from api.get_purchase_order((select id from o)) $$,
    $$ values ('S1', 'W1', 'OPEN', 'PO-1', '2030-01-01 00:00:00+00'::timestamptz, 1::bigint, 'A', 24::bigint, 0::bigint, 0::bigint, 0::bigint, 24::bigint, 0::bigint, 250::bigint, 'EUR'),
        ('S1', 'W1', 'OPEN', 'PO-1', '2030-01-01 00:00:00+00', 1, 'B', 5, 0, 0, 0, 5, 0, null, null) $$, 'prices come from the terms of the supplier');
select results_eq($$ select m.type, m.incoming_delta, m.incoming, m.on_hand_delta, m.reason, m.reference, m.user_id, m.detail ->> 'purchase_order_id'
        from inventory.stock_movement as m join inventory.item as i on i.id = m.item_id where i.sku = 'A' $$,
    $$ select 'expect', 24::bigint, 24::bigint, 0::bigint, 'stocking up', 'PO-1', 'u', id::text from o $$, 'the ledger has it');
select is((select count(distinct purchase_order_id) from (select purchase_order_id from po union all select purchase_order_id from api.place_purchase_order('S1', 'W1',
    '[{"sku": "A", "quantity": 24}, {"sku": "B", "quantity": 5}]', '2030-01-01 00:00:00+00', 'PO-1', idempotency_key => 'k1', reason => 'stocking up', user_id => 'u')
    where replayed) as p), 1::bigint, 'the same request under its key orders once');
select is(pg_temp.states('A', 'W1'), '0 0 0 0 24 v1', 'and changed nothing');
select throws_ok($$ select * from api.place_purchase_order('S1', 'W1', '[{"sku": "A", "quantity": 25}]', idempotency_key => 'k1') $$, 'IV007', null,
    'another request under the key is refused');
create temporary table boxes as select * from api.place_purchase_order('S1', 'W2', '[{"sku": "A", "quantity": 2, "unit": "BOX"}, {"sku": "A", "quantity": 3}]');
select results_eq($$ select sku, quantity, incoming from boxes $$, $$ values ('A', 27::bigint, 27::bigint) $$, 'units are converted, lines of one item summed');
create temporary table own as select * from api.place_purchase_order('S1', 'W2', '[{"sku": "B", "quantity": 1, "unit_cost": 0, "currency": "USD"}]');
select is((select unit_cost || currency from api.get_purchase_order((select purchase_order_id from own))), '0USD', 'a line may have its own price');
create temporary table cheap as select * from api.place_purchase_order('S1', 'W2', '[{"sku": "A", "quantity": 1, "unit_cost": 99}]');
select is((select unit_cost || currency from api.get_purchase_order((select purchase_order_id from cheap))), '99EUR', 'in the currency of the terms, where it says none');
select is((select m.reference from inventory.stock_movement as m where m.detail ->> 'purchase_order_id' = (select purchase_order_id::text from boxes)),
    (select purchase_order_id::text from boxes), 'an order without a reference is found by its id');

-- Boundaries.
select lives_ok($$ select * from api.place_purchase_order('S1', 'SHUT', '[{"sku": "B", "quantity": 1000000000000}]') $$, '10^12 are taken');
select throws_ok($$ select * from api.place_purchase_order('S1', 'SHUT', '[{"sku": "B", "quantity": 1}]') $$, 'IV012', null, 'incoming above 10^12 is refused');
select throws_ok($$ select * from api.place_purchase_order('S1', 'W1', '[{"sku": "B", "quantity": 1000000000001}]') $$, 'IV012', null, '10^12 + 1 are refused');
select throws_ok($$ select * from api.place_purchase_order('S1', 'W1', '[{"sku": "B", "quantity": 1e30}]') $$, 'IV012', null, 'as is what no bigint holds');
select throws_ok($$ select * from api.place_purchase_order('S1', 'W1', '[{"sku": "A", "quantity": 100000000000, "unit": "BOX"}]') $$, 'IV012', null, 'also by units');
select throws_ok($$ select * from api.place_purchase_order('S1', 'W1', '[{"sku": "B", "quantity": 0}]') $$, 'IV008', null, 'zero is refused');
select throws_ok($$ select * from api.place_purchase_order('S1', 'W1', '[{"sku": "B", "quantity": -1}]') $$, 'IV008', null, 'a negative quantity is refused');
select throws_ok($$ select * from api.place_purchase_order('S1', 'W1', '[{"sku": "B", "quantity": 1.5}]') $$, 'IV008', null, 'half a unit is refused');
select throws_ok($$ select * from api.place_purchase_order('S1', 'W1', '[{"sku": "B", "quantity": null}]') $$, 'IV008', null, 'no quantity is refused');
select throws_ok($$ select * from api.place_purchase_order('S1', 'W1', '[]') $$, 'IV008', null, 'no lines are refused');
select throws_ok($$ select * from api.place_purchase_order('S1', 'W1', null) $$, 'IV008', null, 'none at all too');
select throws_ok($$ select * from api.place_purchase_order('S1', 'W1', '{}') $$, 'IV008', null, 'lines that are no array are refused');
select throws_ok($$ select * from api.place_purchase_order('S1', 'W1', (select jsonb_agg('{"sku": "A", "quantity": 1}'::jsonb) from generate_series(1, 1001))) $$,
    'IV008', null, '1,001 lines are refused');
select is(test.refusal($$ select * from api.place_purchase_order('S1', 'W1', '[{"sku": "A", "quantity": 1}, {"sku": "B", "quantity": 1, "price": 1}]') $$) ->> 'field', 'lines/1/price',
    'the detail names the field');
select throws_ok($$ select * from api.place_purchase_order('S1', 'W1', '[{"sku": "A", "quantity": 1, "unit_cost": -1}]') $$, 'IV008', null, 'a negative price is refused');
select throws_ok($$ select * from api.place_purchase_order('S1', 'W1', '[{"sku": "A", "quantity": 1, "unit_cost": 1, "currency": "euro"}]') $$, 'IV008', null, 'a currency has three capitals');
select throws_ok($$ select * from api.place_purchase_order('S1', 'W1', '[{"sku": "A", "quantity": 1, "currency": "EUR"}]') $$, 'IV008', null, 'and goes with a price');
select throws_ok($$ select * from api.place_purchase_order('S1', 'W1', '[{"sku": "B", "quantity": 1, "unit_cost": 1}]') $$, 'IV008', null, 'which needs one');
select throws_ok($$ select * from api.place_purchase_order('S1', 'W1', '[{"sku": "A", "quantity": 1, "unit_cost": 1}, {"sku": "A", "quantity": 1}]') $$, 'IV008', null,
    'two prices for one item are refused');
select throws_ok($$ select * from api.place_purchase_order('S1', 'W1', '[{"sku": "A", "quantity": 1}]', 'infinity') $$, 'IV008', null, 'an endless expected_at is refused');
select throws_ok($$ select * from api.place_purchase_order('S1', 'W1', '[{"sku": "A", "quantity": 1}]', reference => repeat('r', 201)) $$, 'IV008', null, 'a reference of 201 characters is refused');
select throws_ok($$ select * from api.place_purchase_order(null, 'W1', '[{"sku": "A", "quantity": 1}]') $$, 'IV008', null, 'no supplier is refused');
select throws_ok($$ select * from api.place_purchase_order('S1', null, '[{"sku": "A", "quantity": 1}]') $$, 'IV008', null, 'no location is refused');
select throws_ok($$ select * from api.place_purchase_order('NONE', 'W1', '[{"sku": "A", "quantity": 1}]') $$, 'IV028', null, 'an unknown supplier is refused');
select throws_ok($$ select * from api.place_purchase_order('GONE', 'W1', '[{"sku": "A", "quantity": 1}]') $$, 'IV008', null, 'as is an archived one');
select throws_ok($$ select * from api.place_purchase_order('S1', 'NONE', '[{"sku": "A", "quantity": 1}]') $$, 'IV004', null, 'an unknown location is refused');
select throws_ok($$ select * from api.place_purchase_order('S1', 'W1', '[{"sku": "NONE", "quantity": 1}]') $$, 'IV003', null, 'an unknown item is refused');
select throws_ok($$ select * from api.place_purchase_order('S1', 'W1', '[{"sku": "KIT", "quantity": 1}]') $$, 'IV016', null, 'a bundle is not ordered');
select throws_ok($$ select * from api.place_purchase_order('S1', 'W1', '[{"sku": "A", "quantity": 1, "unit": "BAG"}]') $$, 'IV015', null, 'an unknown unit is refused');
create temporary table old as select * from api.place_purchase_order('S1', 'SHUT', '[{"sku": "OLD", "quantity": 6}]');
select test.close_catalogue();
select throws_ok($$ select * from api.place_purchase_order('S1', 'W1', '[{"sku": "OLD", "quantity": 1}]') $$, 'IV010', null, 'an archived item is not ordered');
select throws_ok($$ select * from api.place_purchase_order('S1', 'SHUT', '[{"sku": "A", "quantity": 1}]') $$, 'IV011', null, 'nor anything for a closed location');
select lives_ok($$ select * from api.receive_purchase_order((select purchase_order_id from old)) $$, 'but what was on its way when they were closed arrives');

-- Receiving, in parts.
select results_eq($$ select status, sku, type, quantity, on_hand, available, damaged, incoming, version, replayed
        from api.receive_purchase_order((select id from o), '[{"sku": "A", "received": 10, "damaged": 2}]', idempotency_key => 'r1') $$,
    $$ values ('OPEN', 'A', 'order_receipt', 12::bigint, 10::bigint, 10::bigint, 2::bigint, 12::bigint, 2::bigint, false) $$, 'units come in, sellable and damaged');
select is((select replayed from api.receive_purchase_order((select id from o), '[{"sku": "A", "received": 10, "damaged": 2}]', idempotency_key => 'r1')), true, 'a delivery is entered once');
select throws_ok($$ select * from api.receive_purchase_order((select id from o), '[{"sku": "A", "received": 11}]', idempotency_key => 'r1') $$, 'IV007', null, 'another one needs its own key');
select is(pg_temp.line((select id from o), 'A'), 'OPEN 24 10 2 0 12 0', 'the line has what has become of it');
select is(pg_temp.states('A', 'W1'), '10 0 10 2 12 v2', 'and the level');
select throws_ok($$ select * from api.receive_purchase_order((select id from o), '[{"sku": "NONE", "received": 1}]') $$, 'IV003', null, 'an unknown item is refused');
select throws_ok($$ select * from api.receive_purchase_order((select purchase_order_id from boxes), '[{"sku": "B", "received": 1}]') $$, 'IV003', null, 'as is one that is not on the order');
select throws_ok($$ select * from api.receive_purchase_order((select purchase_order_id from boxes), '[{"sku": "B", "received": 1, "unit": "NONE"}]') $$, 'IV003', null, 'whatever unit it is told in');
select throws_ok($$ select * from api.receive_purchase_order((select id from o), '[{"sku": "A", "received": 1}, {"sku": "OLD", "received": 1}]') $$, 'IV003', null, 'all or nothing');
select throws_ok($$ select * from api.receive_purchase_order((select id from o), '[]') $$, 'IV008', null, 'no lines are refused');
select throws_ok($$ select * from api.receive_purchase_order((select id from o), '[{"sku": "A"}]') $$, 'IV008', null, 'nothing received is refused');
select throws_ok($$ select * from api.receive_purchase_order((select id from o), '[{"sku": "A", "received": 0, "damaged": 0}]') $$, 'IV008', null, 'zero too');
select throws_ok($$ select * from api.receive_purchase_order((select id from o), '[{"sku": "A", "received": -1}]') $$, 'IV008', null, 'a negative count is refused');
select throws_ok($$ select * from api.receive_purchase_order((select id from o), '[{"sku": "A", "received": 1.5}]') $$, 'IV008', null, 'half a unit is refused');
select throws_ok($$ select * from api.receive_purchase_order((select id from o), '[{"sku": "A", "received": 1, "lost": 1}]') $$, 'IV008', null, 'an unknown field is refused');
select throws_ok($$ select * from api.receive_purchase_order((select id from o), '[{"sku": "A", "received": 1000000000001}]') $$, 'IV012', null, '10^12 + 1 are refused');
select throws_ok($$ select * from api.receive_purchase_order((select id from o), '[{"sku": "A", "received": 1000000000000}]') $$, 'IV012', null, 'a sum above 10^12 too');
select throws_ok($$ select * from api.receive_purchase_order((select id from o), '[{"sku": "A", "received": 1, "unit": "BAG"}]') $$, 'IV015', null, 'an unknown unit is refused');
select throws_ok($$ select * from api.receive_purchase_order((select id from o), '[{"sku": "A", "received": 1, "lot": "L"}]') $$, 'IV023', null, 'a lot does not belong to an item without');
select throws_ok($$ select * from api.receive_purchase_order(uuidv7()) $$, 'IV029', 'no purchase order has this id', 'an unknown order is refused');
select throws_ok($$ select * from api.receive_purchase_order(null) $$, 'IV008', null, 'no order too');
select is(pg_temp.line((select id from o), 'A'), 'OPEN 24 10 2 0 12 0', 'refusals changed nothing');
select is((select version from inventory.purchase_order where id = (select id from o)), 2::bigint, 'the version of the order grows with each delivery');

-- More than was ordered.
select results_eq($$ select quantity, on_hand, damaged, incoming from api.receive_purchase_order((select id from o), '[{"sku": "A", "received": 1, "unit": "BOX"}, {"sku": "A", "received": 3, "damaged": 1}]') $$,
    $$ values (16::bigint, 25::bigint, 3::bigint, 0::bigint) $$, 'more than was ordered is stock like any other');
select is(pg_temp.line((select id from o), 'A'), 'OPEN 24 25 3 0 0 4', 'the line shows it');
select lives_ok($$ select * from api.receive_purchase_order((select id from o), '[{"sku": "A", "received": 1}]') $$, 'also later, while the order is open');
select is(pg_temp.states('A', 'W1'), '26 0 26 3 0 v4', 'incoming stays at what is open');

-- The end of it.
select results_eq($$ select status, sku, on_hand, incoming from api.receive_purchase_order((select id from o)) $$, $$ values ('RECEIVED', 'B', 5::bigint, 0::bigint) $$,
    'without lines all that is open has arrived');
select throws_ok($$ select * from api.receive_purchase_order((select id from o)) $$, 'IV030', 'the purchase order is closed', 'a closed order receives nothing');
select throws_ok($$ select * from api.cancel_purchase_order((select id from o)) $$, 'IV030', null, 'and nothing of it is called off');
select is(test.refusal($$ select * from api.cancel_purchase_order((select id from o)) $$) ->> 'status', 'RECEIVED', 'the detail has its state');

-- Calling off.
select * from api.receive_purchase_order((select purchase_order_id from boxes), '[{"sku": "A", "received": 20}]');
select results_eq($$ select status, sku, type, quantity, on_hand, incoming, replayed from api.cancel_purchase_order((select purchase_order_id from boxes), 'c1') $$,
    $$ values ('CANCELLED', 'A', 'order_cancel', 7::bigint, 20::bigint, 1::bigint, false) $$, 'what is open is called off, other orders stay');
select is(pg_temp.line((select purchase_order_id from boxes), 'A'), 'CANCELLED 27 20 0 7 0 0', 'what has arrived stays');
select is((select replayed from api.cancel_purchase_order((select purchase_order_id from boxes), 'c1')), true, 'the same request is replayed');
select throws_ok($$ select * from api.cancel_purchase_order((select purchase_order_id from boxes), 'c2') $$, 'IV030', null, 'another one is refused');
select throws_ok($$ select * from api.cancel_purchase_order(uuidv7()) $$, 'IV029', null, 'an unknown order is refused');
select throws_ok($$ select * from api.cancel_purchase_order(null) $$, 'IV008', null, 'no order too');
select throws_ok($$ select * from api.get_purchase_order(uuidv7()) $$, 'IV029', null, 'also in reading');

-- Receipts go to those who wait.
select api.set_stock_policy('B', 'W2', policy => 'backorder');
select * from api.reserve_stock('B', 'W2', 4);
select is((select reserved || ' ' || available || ' ' || incoming from api.receive_purchase_order((select purchase_order_id from own))), '1 0 0', 'what comes in goes to the reservation that waits for it');

-- Lists.
select results_eq($$ select supplier, location, status, reference, lines, ordered, open from api.list_purchase_orders(location => 'W1') $$,
    $$ values ('S1', 'W1', 'RECEIVED', 'PO-1', 2::bigint, 29::numeric, 0::numeric) $$, 'orders are listed with their sums');
select is((select count(*) from api.list_purchase_orders(supplier => 'S1')), 6::bigint, 'by supplier');
select is((select count(*) from api.list_purchase_orders(supplier => 'GONE')), 0::bigint, 'who may have none');
select ok((select a.purchase_order_id > b.purchase_order_id from api.list_purchase_orders(max_rows => 1) as a
    cross join lateral api.list_purchase_orders(max_rows => 1, before => a.purchase_order_id) as b), 'newest first, page by page');
select throws_ok($$ select * from api.list_purchase_orders(max_rows => 0) $$, 'IV008', null, 'a page of no rows is refused');

-- A batch.
select is(test.outcomes(jsonb_build_array(
    '{"op": "order", "supplier": "S1", "location": "W1", "lines": [{"sku": "A", "quantity": 1}]}'::jsonb,
    '{"op": "order", "supplier": "NONE", "location": "W1", "lines": [{"sku": "A", "quantity": 1}]}'::jsonb,
    '{"op": "cancel_order", "purchase_order_id": "00000000-0000-0000-0000-000000000000", "lines": []}'::jsonb,
    '{"op": "receive_order", "purchase_order_id": "x"}'::jsonb,
    '{"op": "add", "sku": "A", "location": "W1", "quantity": 1}'::jsonb)), '{applied,IV028,IV008,IV008,applied}', 'in a batch each is answered by itself');

select is_empty('select * from api.check_conservation()', 'nothing appeared or vanished');
select is_empty('select * from test.broken_rules()', 'every invariant holds');
select * from finish();
rollback;
