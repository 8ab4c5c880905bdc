-- Digital items: never short, everywhere, counted all the same.
begin;
select plan(24);
select api.upsert_items('[{"sku": "EBOOK", "name": "e", "kind": "digital"}, {"sku": "A", "name": "a"}]');
select api.upsert_locations('[{"id": "WEB", "type": "ecommerce"}, {"id": "W1"}, {"id": "SHUT", "status": "closed"}]');

select results_eq($$ select sku, location, quantity, on_hand, reserved, available, version, backordered from api.reserve_stock('EBOOK', 'WEB', 3, reservation_id => '00000000-0000-0000-0000-000000000001') $$,
    $$ values ('EBOOK', 'WEB', 3::bigint, 0::bigint, 3::bigint, -3::bigint, 1::bigint, 0::bigint) $$, 'it is held without ever having come in');
select results_eq($$ select status, on_hand, reserved from api.confirm_reservation('00000000-0000-0000-0000-000000000001') $$, $$ values ('COMMITTED', -3::bigint, 0::bigint) $$, 'and sold: on_hand counts the copies');
select results_eq($$ select policy, status, available from api.get_stock_level('EBOOK', 'WEB') $$, $$ values ('unlimited', 'in_stock', -3::bigint) $$, 'it is in stock still');
select results_eq($$ select kind, location, available, backorderable, unlimited from api.get_availability('EBOOK', 'WEB') $$, $$ values ('digital', 'WEB', null::bigint, true, true) $$, 'without a limit');
select results_eq($$ select location, available, unlimited from api.get_availability('EBOOK', 'W1') $$, $$ values ('W1', null::bigint, true) $$, 'also where it never was');
select is(test.outcomes('[{"op": "reserve", "sku": "EBOOK", "location": "WEB", "quantity": 1000}, {"op": "remove", "sku": "EBOOK", "location": "WEB", "quantity": 5}, {"op": "add", "sku": "EBOOK", "location": "WEB", "quantity": 8},
    {"op": "adjust", "sku": "EBOOK", "location": "WEB", "quantity": -1, "reason": "r"}, {"op": "return", "sku": "EBOOK", "location": "WEB", "quantity": 1}]'), '{applied,applied,applied,applied,applied}',
    'every operation counts it');
select is(test.states('EBOOK', 'WEB'), '0/1000/0/0/0/0 unlimited v7', 'in one ledger');
select results_eq($$ select quantity, backordered from api.reserve_stock(partial => true, lines => '[{"sku": "EBOOK", "location": "WEB", "quantity": 2}]') $$, $$ values (2::bigint, 0::bigint) $$, 'partial: all of it');
select results_eq($$ select location, quantity from api.reserve_stock('EBOOK', quantity => 2, strategy => 'nearest', locations => '{SHUT,W1,WEB}') $$, $$ values ('W1', 2::bigint) $$, 'a strategy takes it at the first open place');
select throws_ok($$ select * from api.reserve_stock('EBOOK', 'SHUT', 1) $$, 'IV011', null, 'a closed location sells nothing');
select is(test.outcomes('[{"op": "reserve", "lines": [{"sku": "EBOOK", "location": "W1", "quantity": 1}, {"sku": "A", "location": "W1", "quantity": 1}]}]'), '{IV001}', 'beside an item that is short');
select is(test.states('EBOOK', 'W1'), '0/2/0/0/0/0 unlimited v1', 'it is not held in vain');
select * from api.reserve_stock('EBOOK', 'WEB', 1, expires_in => '80 milliseconds', reservation_id => '00000000-0000-0000-0000-000000000002');
select pg_sleep(0.12);
select is((select reserved from api.get_stock_level('EBOOK', 'WEB')), 1002::bigint, 'a hold of it ends like any other');
select throws_ok($$ select * from api.confirm_reservation('00000000-0000-0000-0000-000000000002') $$, 'IV002', null, 'to the instant');
select is(api.expire_reservations(), 1, 'and is written off');
select throws_ok($$ select * from api.write_off_stock('EBOOK', 'WEB', 1, reason => 'r') $$, 'IV001', null, 'no other state goes below zero');
select lives_ok($$ select * from api.move_stock('EBOOK', 'WEB', 'W1', 5) $$, 'copies may be moved');
select lives_ok($$ select * from api.receive_transfer((select transfer_id from api.ship_stock('WEB', 'W1', 'EBOOK', 5) limit 1)) $$, 'or sent');
select throws_ok($$ select * from api.add_stock('EBOOK', 'W1', 1, lot => 'L') $$, 'IV023', null, 'it has no lots');
select throws_ok($$ select * from api.upsert_item('EBOOK', tracking => 'serial') $$, 'IV008', null, 'nor serial numbers');
select throws_ok($$ select * from api.upsert_item('EBOOK', kind => 'physical') $$, 'IV008', null, 'it does not become physical while it has been sold');
select lives_ok($$ select * from api.upsert_item('EBOOK2', 'e', kind => 'digital'), api.reserve_stock('EBOOK2', 'W1', 7, expires_in => '1 hour') $$, 'another');
select is((select string_agg(m.type, ',' order by m.version) from api.get_stock_history('EBOOK', 'WEB') as m),
    'reserve,commit,reserve,removal,receipt,adjustment,return,reserve,reserve,expire,transfer_out,ship', 'the ledger has all of it');
select is_empty('select * from test.broken_rules()', 'every invariant holds');
select * from finish();
rollback;
