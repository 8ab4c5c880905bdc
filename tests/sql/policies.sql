-- What happens when stock is short, by the policy of the level: deny, oversell, backorder, unlimited. Defaults of items and locations; f11: what one
-- place owes hides nothing that another has.
begin;
select plan(47);
select api.upsert_items('[{"sku": "A", "name": "a"}, {"sku": "B", "name": "b"}, {"sku": "EBOOK", "name": "e", "kind": "digital"}]');
select api.upsert_locations('[{"id": "W1"}, {"id": "W2"}, {"id": "LATER"}, {"id": "LOOSE"}]');
select api.set_default_policy(location => 'LATER', policy => 'backorder'), api.set_default_policy(location => 'LOOSE', policy => 'oversell');
create function pg_temp.policy(sku text, location text) returns text language sql as $$ select l.policy from api.get_stock_level(sku, location) as l $$;

-- Defaults: of the location, unless the item has one; for what is made from then on.
select * from api.add_stock('A', 'W1', 1);
select * from api.add_stock('A', 'LATER', 1);
select * from api.add_stock('A', 'LOOSE', 1);
select is(pg_temp.policy('A', 'W1') || ' ' || pg_temp.policy('A', 'LATER') || ' ' || pg_temp.policy('A', 'LOOSE'), 'deny backorder oversell', 'a level is made with the policy of its location');
select api.set_default_policy('B', policy => 'oversell');
select * from api.add_stock('B', 'W1', 1);
select * from api.add_stock('B', 'LATER', 1);
select is(pg_temp.policy('B', 'W1') || ' ' || pg_temp.policy('B', 'LATER'), 'oversell oversell', 'or of its item, if that has one');
select api.set_default_policy('B', policy => 'deny');
select * from api.add_stock('B', 'LOOSE', 1);
select is(pg_temp.policy('B', 'LOOSE') || ' ' || pg_temp.policy('B', 'W1'), 'deny oversell', 'levels that are there keep theirs');
select * from api.add_stock('EBOOK', 'LATER', 1);
select is(pg_temp.policy('EBOOK', 'LATER'), 'unlimited', 'a digital item is unlimited wherever it is');
select is(test.refusal($$ select * from api.set_stock_policy('EBOOK', 'LATER', policy => 'deny') $$) ->> 'code', 'IV008', 'and stays so');
select is((select safety_stock from api.set_stock_policy('EBOOK', 'LATER', safety_stock => 5)), 5::bigint, 'though it may have thresholds');
select is((select status from api.get_stock_level('EBOOK', 'LATER')), 'in_stock', 'which it never falls below');

-- The first command on a key is decided by the default too.
select api.set_default_policy('B', policy => null);
select throws_ok($$ select * from api.reserve_stock('B', 'W2', 2) $$, 'IV001', null, 'deny: nothing is promised where nothing is');
select results_eq($$ select quantity, available, backordered from api.reserve_stock('A', 'LATER', 3) $$, $$ values (3::bigint, 0::bigint, 2::bigint) $$, 'backorder: what is there is held, the rest waits');
select results_eq($$ select available, status from api.remove_stock('A', 'LOOSE', 3) $$, $$ values (-2::bigint, 'out_of_stock') $$, 'oversell: more is taken than there is');
select api.upsert_items('[{"sku": "C", "name": "c"}, {"sku": "D", "name": "d"}]');
select results_eq($$ select quantity, available, backordered, version from api.reserve_stock('C', 'LATER', 3) $$, $$ values (3::bigint, 0::bigint, 3::bigint, 1::bigint) $$,
    'backorder before anything ever came in');
select results_eq($$ select quantity, available, version from api.reserve_stock('C', 'LOOSE', 3) $$, $$ values (3::bigint, -3::bigint, 1::bigint) $$, 'oversell too');
select is((select available from api.remove_stock('D', 'LOOSE', 3)), -3::bigint, 'also without a reservation');
select throws_ok($$ select * from api.remove_stock('D', 'LATER', 1) $$, 'IV001', null, 'nothing is taken that is only promised');
select throws_ok($$ select * from api.move_stock('D', 'LATER', 'W1', 1) $$, 'IV001', null, 'nor moved');
select is(test.states('D', 'LATER'), null, 'and no row is left behind');
select is((select string_agg(m.location || ' ' || m.available, ', ' order by m.location) from api.move_stock('D', 'LOOSE', 'W1', 2) as m), 'LOOSE -5, W1 2', 'an oversold place may send what it does not have');
select is(test.states('C', 'LATER') || ', ' || test.states('C', 'LOOSE') || ', ' || test.states('D', 'LOOSE'),
    '0/0/0/3/0/0 backorder v1, 0/3/0/0/0/0 oversell v1, -5/0/0/0/0/0 oversell v2', 'the levels have their policies');

-- Oversold: what comes in fills the hole first.
select is((select available from api.add_stock('C', 'LOOSE', 2)), -1::bigint, 'what comes in fills the hole');
select throws_ok($$ select * from api.set_stock_policy('C', 'LOOSE', policy => 'deny') $$, 'IV001', null, 'while it is there nothing may be denied');
select throws_ok($$ select * from api.set_stock_policy('C', 'LOOSE', policy => 'backorder') $$, 'IV001', null, 'or made to wait');
select is((select available from api.add_stock('C', 'LOOSE', 2)), 1::bigint, 'the rest is for sale');
select is((select policy from api.set_stock_policy('C', 'LOOSE', policy => 'deny')), 'deny', 'then it may');
select throws_ok($$ select * from api.reserve_stock('C', 'LOOSE', 2) $$, 'IV001', null, 'and is');
select lives_ok($$ select * from api.reserve_stock('C', 'LOOSE', 1) $$, 'what is there is still held');

-- A hole is no reason to refuse what does not make it deeper.
select lives_ok($$ select * from api.add_stock('D', 'LOOSE', 1) $$, 'oversold: a receipt');
select lives_ok($$ select * from api.adjust_stock('D', 'LOOSE', 1, reason => 'found') $$, 'a correction upwards');
select is((select available from api.adjust_stock('D', 'LOOSE', -4, reason => 'lost')), -7::bigint, 'also downwards');
select lives_ok($$ select * from api.return_stock('D', 'LOOSE', 1, state => 'damaged') $$, 'a damaged return');
select lives_ok($$ select * from api.write_off_stock('D', 'LOOSE', 1, reason => 'r') $$, 'and its write-off');
select throws_ok($$ select * from api.write_off_stock('D', 'LOOSE', 1, reason => 'r') $$, 'IV001', null, 'no other state goes below zero');
select throws_ok($$ select * from api.restore_stock('D', 'LOOSE', 1) $$, 'IV001', null, 'whatever the policy');
select is(test.outcomes('[{"op": "remove", "sku": "D", "location": "LOOSE", "quantity": 999999999993}, {"op": "remove", "sku": "D", "location": "LOOSE", "quantity": 1}]'), '{applied,IV012}', 'down to -10^12');

-- Unlimited.
select is(test.outcomes('[{"op": "reserve", "sku": "EBOOK", "location": "W1", "quantity": 1000000000000}, {"op": "reserve", "sku": "EBOOK", "location": "W1", "quantity": 1}]'), '{applied,IV012}',
    'a digital item is held up to 10^12 times');
select is((select available || ' ' || status from api.get_stock_level('EBOOK', 'W1')), '-1000000000000 in_stock', 'and in stock all along');

-- f11: the signed balance of one place never meets that of another.
select * from api.add_stock('D', 'W2', 5);
select is((select string_agg(a.location || ' ' || a.available, ', ') from api.get_availability('D') as a), 'LOOSE 0, W1 2, W2 5', 'each place by itself; a hole is no stock');
select is((select sum(quantity) from api.reserve_stock('D', quantity => 7, strategy => 'priority', locations => '{W1,W2}', reservation_id => '00000000-0000-0000-0000-000000000001')), 7::numeric,
    'all that other places have can be had');
select * from api.cancel_reservation('00000000-0000-0000-0000-000000000001');
select is((select string_agg(l ->> 'location' || ' ' || (l ->> 'quantity'), ', ') from api.apply_commands('[{"op": "reserve", "sku": "D", "quantity": 7, "strategy": "fewest_splits"}]') as a,
    jsonb_array_elements(a.answer -> 'levels') as l), 'W1 2, W2 5', 'also with the oversold place among them');
select throws_ok($$ select * from api.reserve_stock('D', 'W1', 1) $$, 'IV001', null, 'deny is deny, whatever is elsewhere');

-- Policies in one batch, with plain neighbours.
select api.upsert_items('[{"sku": "P", "name": "p"}]');
select * from api.add_stock('P', 'W1', 5);
select is(test.outcomes('[{"op": "reserve", "sku": "P", "location": "W1", "quantity": 4}, {"op": "reserve", "sku": "P", "location": "LATER", "quantity": 4}, {"op": "reserve", "sku": "P", "location": "W1", "quantity": 4},
    {"op": "reserve", "sku": "P", "location": "LOOSE", "quantity": 4}, {"op": "reserve", "lines": [{"sku": "P", "location": "LATER", "quantity": 1}, {"sku": "P", "location": "W1", "quantity": 2}]},
    {"op": "reserve", "lines": [{"sku": "P", "location": "LOOSE", "quantity": 1}, {"sku": "P", "location": "W1", "quantity": 1}]}, {"op": "remove", "sku": "P", "location": "W1", "quantity": 1}]'),
    '{applied,applied,IV001,applied,IV001,applied,IV001}', 'each line by the policy of its own level');
select is(test.states('P', 'W1') || ', ' || test.states('P', 'LATER') || ', ' || test.states('P', 'LOOSE'), '5/5/0/0/0/0 v3, 0/0/0/4/0/0 backorder v1, 0/5/0/0/0/0 oversell v2', 'and nothing of what was refused');

-- The default of a location that is changed while commands are under way counts for what is made after it.
select api.set_default_policy(location => 'LATER', policy => null);
select throws_ok($$ select * from api.reserve_stock('D', 'LATER', 1) $$, 'IV001', null, 'without a default: deny');
select api.set_default_policy('D', policy => 'backorder');
select is((select backordered from api.reserve_stock('D', 'LATER', 1)), 1::bigint, 'that of the item comes first');
select is(pg_temp.policy('D', 'LATER') || ' ' || pg_temp.policy('D', 'W1'), 'backorder deny', 'for new levels');

-- What a ship or a move makes has the default too.
select api.upsert_items('[{"sku": "M", "name": "m"}]'), api.set_default_policy(location => 'LATER', policy => 'backorder');
select * from api.add_stock('M', 'W1', 5);
select * from api.ship_stock('W1', 'LATER', 'M', 1);
select * from api.move_stock('M', 'W1', 'LOOSE', 1);
select * from api.return_stock('M', 'W2', 1);
select is(test.states('M', 'LATER') || ', ' || test.states('M', 'LOOSE') || ', ' || test.states('M', 'W2'), '0/0/1/0/0/0 backorder v1, 1/0/0/0/0/0 oversell v1, 1/0/0/0/0/0 v1', 'wherever stock comes first');

select is_empty($$ select * from test.unexpected('{
    "select api.set_default_policy(''A'', policy => ''unlimited'')": "IV008", "select api.set_default_policy(location => ''W1'', policy => ''unlimited'')": "IV008",
    "select * from api.set_stock_policy(''A'', ''W1'', policy => ''unlimited'')": "IV008", "select * from api.set_stock_policy(''A'', ''W1'', policy => '''')": "IV008"}') $$, 'unlimited is not given by hand');
select is_empty('select * from test.broken_rules()', 'every invariant holds');
select * from finish();
rollback;
