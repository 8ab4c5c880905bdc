-- api.quarantine_stock takes stock off sale, api.restore_stock puts it back.
begin;
select plan(35);
select test.make_catalogue();
select * from api.add_stock('A', 'W1', 10);
select * from api.add_stock('B', 'W1', 1000000000000);
select * from api.add_stock('OLD', 'W1', 5);
select * from api.add_stock('A', 'SHUT', 5);
select test.close_catalogue();

select results_eq($$ select sku, location, type, quantity, on_hand, reserved, available, damaged, status, version, replayed
    from api.quarantine_stock('A', 'W1', 4, reason_code => 'damaged', reason => 'leak', user_id => 'u') $$,
    $$ values ('A', 'W1', 'quarantine', 4::bigint, 6::bigint, 0::bigint, 6::bigint, 4::bigint, 'in_stock', 2::bigint, false) $$, 'what is quarantined is not for sale');
select is((select m.reason || ' ' || m.reason_code from inventory.stock_movement as m where m.type = 'quarantine'), 'leak damaged', 'the ledger says why');
select throws_ok($$ select * from api.reserve_stock('A', 'W1', 7) $$, 'IV001', null, 'nobody gets it');
select results_eq($$ select type, quantity, on_hand, available, damaged, version from api.restore_stock('A', 'W1', 1) $$,
    $$ values ('restore', 1::bigint, 7::bigint, 7::bigint, 3::bigint, 3::bigint) $$, 'what is restored is for sale again');
select is(test.movements('A', 'W1'), '{receipt 10/0/0/0/0/0,quarantine -4/0/0/0/4/0,restore 1/0/0/0/-1/0}', 'the ledger has both');
select throws_ok($$ select * from api.restore_stock('A', 'W1', 4) $$, 'IV001', null, 'no more is restored than is quarantined');
select is(test.refusal($$ select * from api.restore_stock('A', 'W1', 4) $$),
    '{"code": "IV001", "sku": "A", "location": "W1", "state": "damaged", "requested": 4, "available": 3, "version": 3}', 'the detail says of which state there is too little');
select lives_ok($$ select * from api.restore_stock('A', 'W1', 3) $$, 'all of it may be');

-- What is reserved stays on sale.
select * from api.reserve_stock('A', 'W1', 8, reservation_id => '00000000-0000-0000-0000-000000000001');
select throws_ok($$ select * from api.quarantine_stock('A', 'W1', 3) $$, 'IV001', null, 'what is reserved is not quarantined');
select is(test.refusal($$ select * from api.quarantine_stock('A', 'W1', 3) $$) - 'version',
    '{"code": "IV001", "sku": "A", "location": "W1", "state": "available", "requested": 3, "available": 2}', 'the detail has what is free');
select lives_ok($$ select * from api.quarantine_stock('A', 'W1', 2) $$, 'all that is free may be');
select is(test.states('A', 'W1'), '8/8/0/0/2/0 v6', 'then nothing is free');
select is(test.level('A', 'W1'), '8 8 0 out_of_stock v6', 'and the status says so');
select * from api.cancel_reservation('00000000-0000-0000-0000-000000000001');

-- A hold past its deadline does not stand in the way.
select * from api.reserve_stock('A', 'W1', 8, expires_in => '80 milliseconds');
select pg_sleep(0.12);
select is((select on_hand from api.quarantine_stock('A', 'W1', 8)), 0::bigint, 'a hold that has ended holds nothing back');
select is((select damaged from api.restore_stock('A', 'W1', 10)), 0::bigint, 'and all of it comes back');

-- Policies: an oversold place may quarantine what it has promised, a backorder place may not.
select * from api.set_stock_policy('A', 'W2', policy => 'oversell');
select * from api.add_stock('A', 'W2', 3);
select * from api.reserve_stock('A', 'W2', 3);
select results_eq($$ select on_hand, available, damaged from api.quarantine_stock('A', 'W2', 2) $$, $$ values (1::bigint, -2::bigint, 2::bigint) $$,
    'with the policy oversell promised stock may be quarantined');
select is((select available from api.restore_stock('A', 'W2', 2)), 0::bigint, 'and restored');
select * from api.set_stock_policy('B', 'W2', policy => 'backorder');
select * from api.add_stock('B', 'W2', 3);
select * from api.quarantine_stock('B', 'W2', 3);
select * from api.reserve_stock('B', 'W2', 2, reservation_id => '00000000-0000-0000-0000-000000000002');
select is(test.states('B', 'W2'), '0/0/0/2/3/0 backorder v5', 'quarantined stock leaves an order waiting');
select results_eq($$ select on_hand, reserved, available, backordered, damaged, version from api.restore_stock('B', 'W2', 3) $$,
    $$ values (3::bigint, 2::bigint, 1::bigint, 0::bigint, 0::bigint, 7::bigint) $$, 'restored stock goes to those who wait');
select is((select backordered from api.get_reservation('00000000-0000-0000-0000-000000000002')), 0::bigint, 'the order has it');

-- Bounds.
select throws_ok($$ select * from api.return_stock('B', 'W1', 1) $$, 'IV012', null, 'a full shelf takes nothing back');
select is((select damaged from api.quarantine_stock('B', 'W1', 1000000000000)), 1000000000000, '10^12 may be quarantined');
select * from api.add_stock('B', 'W1', 1);
select throws_ok($$ select * from api.quarantine_stock('B', 'W1', 1) $$, 'IV012', null, 'and not one more');
select throws_ok($$ select * from api.restore_stock('B', 'W1', 1000000000000) $$, 'IV012', null, 'nor restored beside what is there');

-- Archived items and closed locations may be put in order: nothing enters them.
select lives_ok($$ select * from api.quarantine_stock('OLD', 'W1', 2) $$, 'an archived item may be quarantined');
select lives_ok($$ select * from api.restore_stock('OLD', 'W1', 1) $$, 'and restored');
select lives_ok($$ select * from api.quarantine_stock('A', 'SHUT', 2) $$, 'also at a closed location');

-- Compare-and-set and idempotency.
select throws_ok($$ select * from api.quarantine_stock('A', 'W1', 1, expected_version => 1) $$, 'IV006', null, 'a stale version is refused');
select is((select damaged from api.quarantine_stock('A', 'W1', 1, expected_version => (select version from api.get_stock_level('A', 'W1')), idempotency_key => 'q')), 1::bigint,
    'the right one is taken');
select results_eq($$ select on_hand, damaged, replayed from api.quarantine_stock('A', 'W1', 1, expected_version => 11, idempotency_key => 'q') $$,
    $$ values (9::bigint, 1::bigint, true) $$, 'a repeated request is answered as before, whatever the version is by now');
select throws_ok($$ select * from api.restore_stock('A', 'W1', 1, idempotency_key => 'q') $$, 'IV007', null, 'the key is good for this request only');
select throws_ok($$ select * from api.restore_stock('A', 'W1', 2, idempotency_key => 'r') $$, 'IV001', null, 'a refusal is not stored under its key');

select is_empty($$ select * from test.unexpected((select jsonb_object_agg(replace(c.key, 'X_', f.name), c.value)
    from unnest(array['quarantine_', 'restore_']) as f (name), jsonb_each_text('{
    "select * from api.X_stock(null, ''W1'', 1)": "IV008", "select * from api.X_stock(''A'', null, 1)": "IV008", "select * from api.X_stock(''A'', ''W1'', null)": "IV008",
    "select * from api.X_stock(''A'', ''W1'', 0)": "IV008", "select * from api.X_stock(''A'', ''W1'', -5)": "IV008",
    "select * from api.X_stock(''A'', ''W1'', 1000000000001)": "IV012", "select * from api.X_stock(''A'', ''W1'', 9223372036854775807)": "IV012",
    "select * from api.X_stock(''NONE'', ''W1'', 1)": "IV003", "select * from api.X_stock(''A'', ''NONE'', 1)": "IV004", "select * from api.X_stock(''OLD'', ''W2'', 1)": "IV001",
    "select * from api.X_stock(''A'', ''W1'', 1, unit => ''CASE'')": "IV015", "select * from api.X_stock(''A'', ''W1'', 1, reason_code => ''nonsense'')": "IV026",
    "select * from api.X_stock(''A'', ''W1'', 1, reason_code => '''')": "IV008", "select * from api.X_stock(''A'', ''W1'', 1, lot => ''L'')": "IV023",
    "select * from api.X_stock(''A'', ''W1'', 1, user_id => repeat(''u'', 201))": "IV008"}') as c)) $$, 'what is wrong is refused by its code, and changes nothing');
select is(test.states('OLD', 'W2'), null, 'a refusal leaves no empty row behind');
select is_empty('select * from test.broken_rules()', 'every invariant holds');
select * from finish();
rollback;
