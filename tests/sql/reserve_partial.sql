-- api.reserve_stock with partial: what there is, and no more.
begin;
select plan(30);
select test.make_catalogue();
select * from api.add_stock('A', 'W1', 5);
select * from api.add_stock('A', 'W2', 1);
select * from api.add_stock('B', 'W1', 3);
select * from api.add_stock('OLD', 'W1', 3);
select test.close_catalogue();

select results_eq($$ select sku, location, quantity, on_hand, reserved, available, version, status, replayed, backordered
    from api.reserve_stock('A', 'W1', 8, partial => true, reservation_id => '00000000-0000-0000-0000-000000000001', idempotency_key => 'p') $$,
    $$ values ('A', 'W1', 5::bigint, 5::bigint, 5::bigint, 0::bigint, 2::bigint, 'PENDING', false, 0::bigint) $$, 'what there is is held');
select results_eq($$ select quantity, backordered from api.get_reservation('00000000-0000-0000-0000-000000000001') $$, $$ values (5::bigint, 0::bigint) $$, 'and no more waits');
select results_eq($$ select quantity, replayed from api.reserve_stock('A', 'W1', 8, partial => true, reservation_id => '00000000-0000-0000-0000-000000000001', idempotency_key => 'p') $$,
    $$ values (5::bigint, true) $$, 'the same request is answered as before');
select throws_ok($$ select * from api.reserve_stock('A', 'W1', 1, partial => true) $$, 'IV001', null, 'nothing at all is refused');
select is(test.refusal($$ select * from api.reserve_stock('A', 'W1', 1, partial => true) $$),
    '{"code": "IV001", "sku": "A", "location": "W1", "requested": 1, "available": 0, "partial": true}', 'the detail says so');
select throws_ok($$ select * from api.reserve_stock('A', 'SHUT', 1, partial => true) $$, 'IV011', null, 'a closed location is no short one');
select throws_ok($$ select * from api.reserve_stock('B', 'W2', 1, partial => true) $$, 'IV001', null, 'nothing where nothing ever was');
select is(test.states('B', 'W2'), null, 'and no row is left behind');
select * from api.cancel_reservation('00000000-0000-0000-0000-000000000001');
select is((select quantity from api.reserve_stock('A', 'W1', 5, partial => true, reservation_id => '00000000-0000-0000-0000-000000000002')), 5::bigint, 'all of it, if there is enough');
select * from api.cancel_reservation('00000000-0000-0000-0000-000000000002');
select is((select quantity from api.reserve_stock('A', 'W1', 4, partial => true, reservation_id => '00000000-0000-0000-0000-000000000003')), 4::bigint, 'and not more than that');
select throws_ok($$ select * from api.reserve_stock('A', 'W1', 2, partial => false) $$, 'IV001', null, 'false is like not said');

-- Several lines: each gets what it can.
select results_eq($$ select sku, location, quantity from api.reserve_stock(partial => true, reservation_id => '00000000-0000-0000-0000-000000000004', lines =>
    '[{"sku": "A", "location": "W1", "quantity": 2}, {"sku": "A", "location": "W2", "quantity": 2}, {"sku": "B", "location": "W2", "quantity": 2}, {"sku": "B", "location": "W1", "quantity": 2}]') $$,
    $$ values ('A', 'W1', 1::bigint), ('A', 'W2', 1), ('B', 'W1', 2) $$, 'of each line what there is');
select results_eq($$ select sku, location, quantity from api.get_reservation('00000000-0000-0000-0000-000000000004') order by 1, 2 $$,
    $$ values ('A', 'W1', 1::bigint), ('A', 'W2', 1), ('B', 'W1', 2) $$, 'the reservation has those lines');
select is((select quantity from api.reserve_stock(partial => true, lines => '[{"sku": "B", "location": "W1", "quantity": 2}, {"sku": "B", "location": "W1", "quantity": 2}]')), 1::bigint,
    'demand on one key is summed');
select throws_ok($$ select * from api.reserve_stock(partial => true, lines => '[{"sku": "B", "location": "W1", "quantity": 2}, {"sku": "A", "location": "W1", "quantity": 2}]') $$, 'IV001', null,
    'if no line gets anything all is refused');
select throws_ok($$ select * from api.reserve_stock(partial => true, lines => '[{"sku": "B", "location": "W1", "quantity": 2}, {"sku": "NONE", "location": "W1", "quantity": 2}]') $$, 'IV003', null,
    'an unknown sku is no short one');
select throws_ok($$ select * from api.reserve_stock(partial => true, lines => '[{"sku": "OLD", "location": "W1", "quantity": 2}]') $$, 'IV010', null, 'nor an archived one');

-- Policies.
select * from api.set_stock_policy('A', 'W2', policy => 'backorder');
select * from api.add_stock('A', 'W2', 2);
select results_eq($$ select quantity, backordered from api.reserve_stock('A', 'W2', 5, partial => true) $$, $$ values (2::bigint, 0::bigint) $$, 'partial and nothing waits, whatever the policy');
select throws_ok($$ select * from api.reserve_stock('A', 'W2', 5, partial => true) $$, 'IV001', null, 'a place that takes orders for later has nothing now');
select * from api.set_stock_policy('B', 'W2', policy => 'oversell');
select is((select quantity from api.reserve_stock('B', 'W2', 5, partial => true)), 5::bigint, 'a place that oversells has all');

-- A hold past its deadline is there to be had.
select * from api.add_stock('B', 'W1', 4);
select * from api.reserve_stock('B', 'W1', 4, expires_in => '80 milliseconds');
select pg_sleep(0.12);
select is((select quantity from api.reserve_stock('B', 'W1', 6, partial => true, reservation_id => '00000000-0000-0000-0000-000000000005')), 4::bigint, 'what a hold past its deadline kept is free');
select * from api.cancel_reservation('00000000-0000-0000-0000-000000000005');

-- Bundles: whole ones only.
select api.upsert_items('[{"sku": "KIT", "name": "Kit", "kind": "bundle"}, {"sku": "PACK", "name": "Pack", "kind": "bundle"}, {"sku": "C", "name": "C"}]');
select api.set_bundle('KIT', '[{"sku": "B", "quantity": 1}, {"sku": "C", "quantity": 3}]');
select api.set_bundle('PACK', '[{"sku": "KIT", "quantity": 2}]');
select * from api.add_stock('C', 'W1', 10);
select results_eq($$ select sku, quantity from api.reserve_stock('KIT', 'W1', 9, partial => true, reservation_id => '00000000-0000-0000-0000-000000000006') order by 1 $$,
    $$ values ('B', 3::bigint), ('C', 9::bigint) $$, 'of a bundle whole ones are held');
select * from api.cancel_reservation('00000000-0000-0000-0000-000000000006');
select results_eq($$ select sku, quantity from api.reserve_stock('PACK', 'W1', 9, partial => true, reservation_id => '00000000-0000-0000-0000-000000000007') order by 1 $$,
    $$ values ('B', 2::bigint), ('C', 6::bigint) $$, 'of one that has bundles in it too');
select * from api.cancel_reservation('00000000-0000-0000-0000-000000000007');
select results_eq($$ select sku, quantity from api.reserve_stock(partial => true, reservation_id => '00000000-0000-0000-0000-000000000008', lines =>
    '[{"sku": "C", "location": "W1", "quantity": 5}, {"sku": "KIT", "location": "W1", "quantity": 5}, {"sku": "B", "location": "W1", "quantity": 9}]') order by 1 $$,
    $$ values ('B', 4::bigint), ('C', 8::bigint) $$, 'what earlier lines take is not there for later ones');
select is(test.level('B', 'W1') || ', ' || test.level('C', 'W1'), '7 7 0 out_of_stock v' || (select version from api.get_stock_level('B', 'W1')) || ', 10 8 2 in_stock v6',
    'one bundle of one B and three C, and the rest of B by itself');
select throws_ok($$ select * from api.reserve_stock('KIT', 'W1', 1, partial => true) $$, 'IV001', null, 'half a bundle is none');
select * from api.cancel_reservation('00000000-0000-0000-0000-000000000008');
select * from api.add_stock('B', 'W2', 5);
select * from api.add_stock('C', 'W2', 4);
select results_eq($$ select sku, location, quantity from api.reserve_stock('KIT', quantity => 9, partial => true, strategy => 'priority', locations => '{W1,W2}') order by 1, 2 $$,
    $$ values ('B', 'W1', 4::bigint), ('C', 'W1', 10), ('C', 'W2', 2) $$, 'also over several locations');

select is_empty($$ select * from test.unexpected('{
    "select * from api.reserve_stock(''A'', ''W1'', 0, partial => true)": "IV008", "select * from api.reserve_stock(''A'', ''W1'', -1, partial => true)": "IV008",
    "select * from api.reserve_stock(''A'', ''W1'', null, partial => true)": "IV008", "select * from api.reserve_stock(''A'', null, 1, partial => true)": "IV008",
    "select * from api.reserve_stock(''A'', ''NONE'', 1, partial => true)": "IV004", "select * from api.reserve_stock(''A'', ''W1'', 1000000000001, partial => true)": "IV012",
    "select * from api.reserve_stock(''A'', ''W1'', 1, partial => true, reservation_id => ''00000000-0000-0000-0000-000000000004'')": "IV014",
    "select * from api.reserve_stock(''C'', ''W2'', 1, partial => true, reservation_id => ''00000000-0000-0000-0000-000000000004'')": "IV014",
    "select * from api.reserve_stock(''C'', ''W2'', 1, partial => true, lot => ''L'')": "IV023", "select * from api.reserve_stock(''C'', ''W2'', 1, partial => true, expected_version => 9)": "IV006"}') $$,
    'what is wrong is refused by its code, and changes nothing');
select is(test.outcomes('[{"op": "reserve", "sku": "C", "location": "W2", "quantity": 1, "partial": 1}, {"op": "reserve", "sku": "C", "location": "W2", "quantity": 1, "partial": null},
    {"op": "add", "sku": "C", "location": "W2", "quantity": 1, "partial": true}]'), '{IV008,IV008,IV008}', 'partial is true or false, and goes with reserve');
select is_empty('select * from test.broken_rules()', 'every invariant holds');
select * from finish();
rollback;
