-- f09: api.reserve_stock with replace: an owner is not blocked by their own hold, nor loses it in vain.
begin;
select plan(39);
select test.make_catalogue();
select api.upsert_items('[{"sku": "Q", "name": "q"}]'), api.set_stock_policy('Q', 'W1', policy => 'backorder');
select * from api.add_stock('A', 'W1', 5);
select * from api.add_stock('A', 'W2', 5);
select * from api.add_stock('B', 'W1', 5);
create function pg_temp.status(reservation integer) returns text language sql as $$
    select r.status from inventory.reservation as r where r.id = ('00000000-0000-0000-0000-0000000000' || lpad(reservation::text, 2, '0'))::uuid
$$;

select * from api.reserve_stock('A', 'W1', 4, owner => 'cart 1', reservation_id => '00000000-0000-0000-0000-000000000001');
select * from api.reserve_stock('A', 'W1', 1, owner => 'cart 2', reservation_id => '00000000-0000-0000-0000-000000000002');
select throws_ok($$ select * from api.reserve_stock('A', 'W1', 3, owner => 'cart 1') $$, 'IV001', null, 'beside their own hold an owner gets nothing');
select results_eq($$ select sku, location, quantity, reserved, available, version, replayed from api.reserve_stock('A', 'W1', 3, owner => 'cart 1', replace => true,
        reservation_id => '00000000-0000-0000-0000-000000000003', idempotency_key => 'r') $$,
    $$ values ('A', 'W1', 3::bigint, 4::bigint, 1::bigint, 5::bigint, false) $$, 'in place of it they do');
select is(pg_temp.status(1) || ' ' || pg_temp.status(2) || ' ' || pg_temp.status(3), 'RELEASED PENDING PENDING', 'the old hold is released, those of others stay');
select is(test.movements('A', 'W1'), '{receipt 5/0/0/0/0/0,reserve 0/4/0/0/0/0,reserve 0/1/0/0/0/0,release 0/-4/0/0/0/0,reserve 0/3/0/0/0/0}', 'the ledger has both steps');
select is((select m.reason from inventory.stock_movement as m where m.type = 'release'), 'replaced by its owner', 'and why');
select is((select a.outcome || ' ' || (a.answer -> 'replaced') || ' ' || jsonb_path_query_array(a.answer, '$.levels[*].type') from api.apply_commands('[{"op": "reserve", "sku": "A", "location": "W1", "quantity": 4,
        "owner": "cart 1", "replace": true, "reservation_id": "00000000-0000-0000-0000-000000000004"}]') as a),
    'applied ["00000000-0000-0000-0000-000000000003"] ["release", "reserve"]', 'the answer names what was replaced, and every level that changed');
select results_eq($$ select quantity, version, replayed from api.reserve_stock('A', 'W1', 3, owner => 'cart 1', replace => true,
        reservation_id => '00000000-0000-0000-0000-000000000003', idempotency_key => 'r') $$, $$ values (3::bigint, 5::bigint, true) $$, 'a repeated request replaces nothing');
select is(pg_temp.status(4), 'PENDING', 'what came after it stays');
select throws_ok($$ select * from api.reserve_stock('A', 'W1', 3, owner => 'cart 1', idempotency_key => 'r') $$, 'IV007', null, 'without replace it is another request');

-- A failure leaves the old hold in place.
select throws_ok($$ select * from api.reserve_stock('A', 'W1', 5, owner => 'cart 1', replace => true) $$, 'IV001', null, 'more than that is refused');
select is(pg_temp.status(4) || ', ' || test.level('A', 'W1'), 'PENDING, 5 5 0 out_of_stock v7', 'and the old hold is as it was');
select is(test.outcomes('[{"op": "reserve", "sku": "A", "location": "W1", "quantity": 5, "owner": "cart 1", "replace": true}, {"op": "reserve", "sku": "NONE", "location": "W1", "quantity": 1, "owner": "cart 1", "replace": true},
    {"op": "reserve", "sku": "A", "location": "W2", "quantity": 1, "owner": "cart 1", "replace": true, "reservation_id": "00000000-0000-0000-0000-000000000002"}, {"op": "add", "sku": "B", "location": "W1", "quantity": 1}]'),
    '{IV001,IV003,IV014,applied}', 'in a batch too, whatever it fails for');
select is(pg_temp.status(4) || ', ' || test.level('A', 'W1'), 'PENDING, 5 5 0 out_of_stock v7', 'it stays');

-- Other keys, several holds, nothing to replace.
select is((select available from api.reserve_stock('A', 'W2', 5, owner => 'cart 1', replace => true, reservation_id => '00000000-0000-0000-0000-000000000005')), 0::bigint,
    'it may be somewhere else');
select is(test.level('A', 'W1') || ', ' || test.level('A', 'W2'), '5 1 4 in_stock v8, 5 5 0 out_of_stock v2', 'what was held before is free');
select * from api.reserve_stock('A', 'W1', 2, owner => 'cart 1', reservation_id => '00000000-0000-0000-0000-000000000006');
select * from api.reserve_stock(owner => 'cart 1', reservation_id => '00000000-0000-0000-0000-000000000007', lines =>
    '[{"sku": "B", "location": "W1", "quantity": 2}, {"sku": "A", "location": "W1", "quantity": 2}]');
select results_eq($$ select sku, location, quantity from api.reserve_stock(owner => 'cart 1', replace => true, reservation_id => '00000000-0000-0000-0000-000000000008', lines =>
        '[{"sku": "B", "location": "W1", "quantity": 6}, {"sku": "A", "location": "W1", "quantity": 4}]') $$, $$ values ('A', 'W1', 4::bigint), ('B', 'W1', 6) $$,
    'all that an owner holds is replaced');
select is(pg_temp.status(5) || pg_temp.status(6) || pg_temp.status(7) || pg_temp.status(2), 'RELEASEDRELEASEDRELEASEDPENDING', 'each of them');
select is((select quantity from api.reserve_stock('A', 'W2', 1, owner => 'newcomer', replace => true, reservation_id => '00000000-0000-0000-0000-000000000009')), 1::bigint, 'who holds nothing just reserves');
select is((select a.answer -> 'replaced' from api.apply_commands('[{"op": "reserve", "sku": "A", "location": "W2", "quantity": 1, "owner": "nobody", "replace": true}]') as a), '[]', 'and replaces nothing');
select is((select quantity from api.reserve_stock('A', 'W2', 1, owner => 'newcomer', replace => false, reservation_id => '00000000-0000-0000-0000-000000000010')), 1::bigint, 'false is like not said');
select is(pg_temp.status(9), 'PENDING', 'the hold before it stays');

-- Confirmed, cancelled and expired ones are no holds.
select * from api.confirm_reservation('00000000-0000-0000-0000-000000000009');
select * from api.reserve_stock('A', 'W2', 1, owner => 'newcomer', expires_in => '80 milliseconds', reservation_id => '00000000-0000-0000-0000-000000000011');
select pg_sleep(0.12);
select lives_ok($$ select * from api.reserve_stock('A', 'W2', 2, owner => 'newcomer', replace => true, reservation_id => '00000000-0000-0000-0000-000000000012') $$, 'what is over is no hold');
select is(pg_temp.status(9) || pg_temp.status(10) || pg_temp.status(11) || pg_temp.status(12), 'COMMITTEDRELEASEDEXPIREDPENDING', 'a sale stays a sale, what ran out stays so');

-- Compare-and-set: with the version that the owner saw.
select throws_ok($$ select * from api.reserve_stock('B', 'W1', 6, owner => 'cart 1', replace => true, expected_version => 2) $$, 'IV006', null, 'a stale version is refused');
select is((select quantity from api.reserve_stock('B', 'W1', 6, owner => 'cart 1', replace => true, reservation_id => '00000000-0000-0000-0000-000000000013',
    expected_version => (select version from api.get_stock_level('B', 'W1')))), 6::bigint, 'the version that was read is good, though their own hold is freed first');
select is(pg_temp.status(8), 'RELEASED', 'it was replaced');

-- What a replace frees goes to those who wait for it: after the owner, before the rest.
select * from api.add_stock('Q', 'W1', 10);
select * from api.reserve_stock('Q', 'W1', 10, owner => 'big', reservation_id => '00000000-0000-0000-0000-000000000020');
select * from api.reserve_stock('Q', 'W1', 4, owner => 'waiting', reservation_id => '00000000-0000-0000-0000-000000000021');
select is(test.states('Q', 'W1'), '10/10/0/4/0/0 backorder v5', 'somebody waits');
select results_eq($$ select quantity, reserved, available, backordered from api.reserve_stock('Q', 'W1', 3, owner => 'big', replace => true, reservation_id => '00000000-0000-0000-0000-000000000022') $$,
    $$ values (3::bigint, 7::bigint, 3::bigint, 0::bigint) $$, 'who replaces is served first, then who waits');
select is((select backordered from api.get_reservation('00000000-0000-0000-0000-000000000021')), 0::bigint, 'they have it');
select * from api.reserve_stock('Q', 'W1', 8, owner => 'waiting too', reservation_id => '00000000-0000-0000-0000-000000000023');
select is(test.states('Q', 'W1'), '10/10/0/5/0/0 backorder v9', 'somebody waits again');
select lives_ok($$ select * from api.reserve_stock('A', 'W1', 1, owner => 'big', replace => true, reservation_id => '00000000-0000-0000-0000-000000000024') $$, 'who held it takes something else');
select is(test.states('Q', 'W1'), '10/10/0/2/0/0 backorder v11', 'what they held there goes to who waits');
select results_eq($$ select quantity, backordered from api.reserve_stock('Q', 'W1', 9, owner => 'waiting too', replace => true, reservation_id => '00000000-0000-0000-0000-000000000025') $$,
    $$ values (9::bigint, 3::bigint) $$, 'who waits themselves may ask for another quantity');
select is((select count(*) from api.get_reservation('00000000-0000-0000-0000-000000000025') as r where r.backordered = 3), 1::bigint, 'they wait for the rest');

-- With partial and with a strategy.
select is((select quantity from api.reserve_stock('A', 'W1', 9, owner => 'big', replace => true, partial => true)), 4::bigint, 'partial: with what the owner held themselves');
select results_eq($$ select location, quantity from api.reserve_stock('A', quantity => 5, owner => 'big', replace => true, strategy => 'priority', reservation_id => '00000000-0000-0000-0000-000000000026') $$,
    $$ values ('W1', 4::bigint), ('W2', 1) $$, 'a strategy finds it too');

select is_empty($$ select * from test.unexpected('{
    "select * from api.reserve_stock(''A'', ''W1'', 1, replace => true)": "IV008", "select * from api.reserve_stock(''A'', ''W1'', 1, replace => true, owner => '''')": "IV008",
    "select * from api.reserve_stock(''A'', ''W1'', 1, replace => true, owner => repeat(''o'', 201))": "IV008", "select * from api.reserve_stock(''A'', ''W1'', 0, replace => true, owner => ''big'')": "IV008"}') $$,
    'an owner is required');
select is(test.outcomes('[{"op": "reserve", "sku": "A", "location": "W1", "quantity": 1, "owner": "big", "replace": "yes"}, {"op": "reserve", "sku": "A", "location": "W1", "quantity": 1, "owner": "big", "replace": null},
    {"op": "add", "sku": "A", "location": "W1", "quantity": 1, "replace": true}]'), '{IV008,IV008,IV008}', 'replace is true or false, and goes with reserve');
select is_empty('select * from test.broken_rules()', 'every invariant holds');
select * from finish();
rollback;
