-- api.reserve_stock with a strategy: Onhand chooses the locations.
begin;
select plan(54);
select api.upsert_items('[{"sku": "A", "name": "a"}, {"sku": "B", "name": "b"}, {"sku": "OLD", "name": "o"}, {"sku": "EBOOK", "name": "e", "kind": "digital"}, {"sku": "NEW", "name": "n"}]');
select api.upsert_locations('[{"id": "W1", "priority": 10}, {"id": "W2", "priority": 20}, {"id": "W3", "priority": 20}, {"id": "W4", "priority": 1}, {"id": "EMPTY", "priority": 0}]');
select api.add_stock(s.sku, s.location, s.quantity) from (values ('A', 'W1', 3::bigint), ('A', 'W2', 5), ('A', 'W3', 9), ('A', 'W4', 50), ('B', 'W2', 4), ('B', 'W3', 2), ('OLD', 'W1', 1)) as s (sku, location, quantity);
select api.upsert_location('W4', status => 'closed'), api.upsert_item('OLD', status => 'archived');
-- What a reserve command would hold where; it is taken back.
create function pg_temp.spread(command jsonb) returns text language plpgsql as $$
declare
    v_found text;
begin
    select coalesce(a.code, (select string_agg(concat_ws(' ', l ->> 'sku', l ->> 'location', l ->> 'quantity', 'waits ' || nullif(l ->> 'backordered', '0')), ', ' order by l ->> 'sku', l ->> 'location')
        from jsonb_array_elements(a.answer -> 'levels') as l)) into v_found
    from api.apply_commands(jsonb_build_array('{"op": "reserve", "strategy": "priority"}' || command)) as a;
    raise exception using errcode = 'TEST0', message = v_found;
exception
    when sqlstate 'TEST0' then return sqlerrm;
end
$$;

-- priority: from the first on, each as far as it goes.
select is(pg_temp.spread('{"sku": "A", "quantity": 2}'), 'A W1 2', 'the first by priority, if it has enough');
select is(pg_temp.spread('{"sku": "A", "quantity": 4}'), 'A W1 3, A W2 1', 'then the next');
select is(pg_temp.spread('{"sku": "A", "quantity": 10}'), 'A W1 3, A W2 5, A W3 2', 'and the next; of two with one priority that whose id comes first');
select is(pg_temp.spread('{"sku": "A", "quantity": 17}'), 'A W1 3, A W2 5, A W3 9', 'down to the last unit');
select is(pg_temp.spread('{"sku": "A", "quantity": 18}'), 'IV001', 'a closed location is left out, whatever its priority');
select is(test.refusal($$ select * from api.reserve_stock('A', quantity => 18, strategy => 'priority') $$), '{"code": "IV001", "sku": "A", "requested": 18, "available": 17}',
    'the detail has what could be had');
select is(pg_temp.spread('{"sku": "A", "quantity": 18, "partial": true}'), 'A W1 3, A W2 5, A W3 9', 'partial: what there is');
select is(pg_temp.spread('{"sku": "NEW", "quantity": 1}'), 'IV001', 'nothing anywhere');
select is(pg_temp.spread('{"sku": "NEW", "quantity": 1, "partial": true}'), 'IV001', 'also partial');

-- nearest: in the order of the list.
select is(pg_temp.spread('{"sku": "A", "quantity": 10, "strategy": "nearest", "locations": ["W3", "W1", "W2"]}'), 'A W1 1, A W3 9', 'nearest: in the order of the list');
select is(pg_temp.spread('{"sku": "A", "quantity": 9, "strategy": "nearest", "locations": ["W2", "W4", "W3"]}'), 'A W2 5, A W3 4', 'closed ones left out');
select is(pg_temp.spread('{"sku": "A", "quantity": 10, "strategy": "nearest", "locations": ["W2", "W1"]}'), 'IV001', 'none but those of the list');
select is(pg_temp.spread('{"sku": "A", "quantity": 4, "strategy": "nearest", "locations": ["W1", "W1", "W2"]}'), 'A W1 3, A W2 1', 'one that is named twice counts once');
select is(pg_temp.spread('{"sku": "A", "quantity": 1, "strategy": "nearest", "locations": ["EMPTY", "W2"]}'), 'A W2 1', 'one that has nothing is passed by');

-- fewest_splits: one location if it can be.
select is(pg_temp.spread('{"sku": "A", "quantity": 4, "strategy": "fewest_splits"}'), 'A W2 4', 'fewest_splits: the first that has all of it');
select is(pg_temp.spread('{"sku": "A", "quantity": 3, "strategy": "fewest_splits"}'), 'A W1 3', 'by priority');
select is(pg_temp.spread('{"sku": "A", "quantity": 13, "strategy": "fewest_splits"}'), 'A W2 4, A W3 9', 'if none has, the fullest first');
select is(pg_temp.spread('{"sku": "A", "quantity": 17, "strategy": "fewest_splits"}'), 'A W1 3, A W2 5, A W3 9', 'down to the last unit');
select is(pg_temp.spread('{"sku": "A", "quantity": 4, "strategy": "fewest_splits", "locations": ["W3", "W1"]}'), 'A W3 4', 'of those of the list');
select is(pg_temp.spread('{"strategy": "fewest_splits", "lines": [{"sku": "A", "quantity": 1}, {"sku": "B", "quantity": 1}]}'), 'A W2 1, B W2 1', 'the whole order from one location');
select is(pg_temp.spread('{"strategy": "fewest_splits", "lines": [{"sku": "A", "quantity": 6}, {"sku": "B", "quantity": 2}]}'), 'A W3 6, B W3 2', 'from that which has all of it');
select is(pg_temp.spread('{"strategy": "fewest_splits", "lines": [{"sku": "A", "quantity": 6}, {"sku": "B", "quantity": 4}]}'), 'A W3 6, B W2 4', 'or each line from as few as can be');
select is(pg_temp.spread('{"lines": [{"sku": "A", "quantity": 1}, {"sku": "B", "quantity": 5}]}'), 'A W1 1, B W2 4, B W3 1', 'priority: each line by itself');
select is(pg_temp.spread('{"lines": [{"sku": "A", "quantity": 2}, {"sku": "A", "quantity": 2}]}'), 'A W1 3, A W2 1', 'demand for one item is summed');
select is(pg_temp.spread('{"lines": [{"sku": "A", "quantity": 1}, {"sku": "B", "quantity": 7}]}'), 'IV001', 'one line that is short refuses all');
select is(pg_temp.spread('{"partial": true, "lines": [{"sku": "A", "quantity": 1}, {"sku": "B", "quantity": 7}, {"sku": "NEW", "quantity": 1}]}'), 'A W1 1, B W2 4, B W3 2', 'partial: of each what there is');

-- What others hold is not there, what a hold past its deadline kept is, and negative stock of one place hides nothing of another (f11).
select * from api.reserve_stock('A', 'W1', 2, reservation_id => '00000000-0000-0000-0000-000000000001');
select is(pg_temp.spread('{"sku": "A", "quantity": 2}'), 'A W1 1, A W2 1', 'what others hold is not there');
select * from api.cancel_reservation('00000000-0000-0000-0000-000000000001');
select * from api.reserve_stock('A', 'W1', 3, expires_in => '80 milliseconds');
select pg_sleep(0.12);
select is(pg_temp.spread('{"sku": "A", "quantity": 3}'), 'A W1 3', 'what a hold past its deadline kept is');
select * from api.set_stock_policy('B', 'W1', policy => 'oversell');
select * from api.remove_stock('B', 'W1', 100);
select is(pg_temp.spread('{"sku": "B", "quantity": 6}'), 'B W2 4, B W3 2', 'what one place owes is not taken off what others have');
select is(pg_temp.spread('{"sku": "B", "quantity": 8}'), 'B W1 2, B W2 4, B W3 2', 'a place that oversells takes what nobody has');
select is(pg_temp.spread('{"sku": "B", "quantity": 8, "partial": true}'), 'B W1 2, B W2 4, B W3 2', 'also of a partial demand');
select is(pg_temp.spread('{"sku": "B", "quantity": 8, "strategy": "fewest_splits"}'), 'B W1 2, B W2 4, B W3 2', 'under each strategy');

-- Places whose policy promises what they do not have.
select * from api.set_stock_policy('A', 'W2', policy => 'backorder');
select is(pg_temp.spread('{"sku": "A", "quantity": 20}'), 'A W1 3, A W2 8 waits 3, A W3 9', 'what nobody has waits where the policy lets it');
select is(pg_temp.spread('{"sku": "A", "quantity": 20, "partial": true}'), 'A W1 3, A W2 5, A W3 9', 'not of a partial demand');
select is(pg_temp.spread('{"sku": "A", "quantity": 20, "locations": ["W1", "W3"]}'), 'IV001', 'not at a place that was not asked for');
select api.set_default_policy(location => 'EMPTY', policy => 'backorder');
select is(pg_temp.spread('{"sku": "NEW", "quantity": 2}'), 'NEW EMPTY 2 waits 2', 'also where there never was any, if that is the policy of the place');
select api.set_default_policy('NEW', policy => 'oversell');
select is(pg_temp.spread('{"sku": "NEW", "quantity": 2}'), 'NEW EMPTY 2', 'or of the item');
select is(pg_temp.spread('{"sku": "NEW", "quantity": 2, "strategy": "nearest", "locations": ["W4", "W3"]}'), 'NEW W3 2', 'at an open place of the list');
select is(pg_temp.spread('{"sku": "EBOOK", "quantity": 1000}'), 'EBOOK EMPTY 1000', 'a digital item is everywhere');
select is(pg_temp.spread('{"strategy": "fewest_splits", "lines": [{"sku": "EBOOK", "quantity": 7}, {"sku": "A", "quantity": 9}]}'), 'A W3 9, EBOOK W3 7', 'and comes from where the rest comes from');
select is(pg_temp.spread('{"sku": "EBOOK", "quantity": 2, "strategy": "nearest", "locations": ["W3", "W1"]}'), 'EBOOK W3 2', 'or from the nearest');
-- EMPTY comes first; that what went from there made its count negative makes it no worse than a place that never had a row.
select * from api.remove_stock('EBOOK', 'EMPTY', 1);
select is(pg_temp.spread('{"strategy": "fewest_splits", "lines": [{"sku": "EBOOK", "quantity": 1}, {"sku": "B", "quantity": 6}]}'), 'B W2 4, B W3 2, EBOOK EMPTY 1',
    'and what is without a limit has all of it everywhere');

-- The reservation itself.
select results_eq($$ select sku, location, quantity, available, backordered from api.reserve_stock('A', quantity => 7, strategy => 'priority', locations => '{W3,W1}',
    reservation_id => '00000000-0000-0000-0000-000000000002', idempotency_key => 's') order by 2 $$,
    $$ values ('A', 'W1', 3::bigint, 0::bigint, 0::bigint), ('A', 'W3', 4, 5, 0) $$, 'one reservation with a line for each location');
select is((select count(*) from api.reserve_stock('A', quantity => 7, strategy => 'priority', locations => '{W3,W1}', reservation_id => '00000000-0000-0000-0000-000000000002', idempotency_key => 's') as r
    where r.replayed), 2::bigint, 'a repeated request is answered as before');
select results_eq($$ select location, quantity, confirmed from api.get_reservation('00000000-0000-0000-0000-000000000002') order by 1 $$, $$ values ('W1', 3::bigint, 0::bigint), ('W3', 4, 0) $$, 'as it can be read');
select lives_ok($$ select * from api.confirm_reservation('00000000-0000-0000-0000-000000000002') $$, 'and confirmed');
select is(test.level('A', 'W1') || ', ' || test.level('A', 'W3'), '0 0 0 out_of_stock v7, 5 0 5 in_stock v3', 'at both ends');

-- Bundles: components may come from several locations, whole bundles from one are found first.
select api.upsert_item('KIT', 'Kit', kind => 'bundle'), api.set_bundle('KIT', '[{"sku": "A", "quantity": 2}, {"sku": "B", "quantity": 1}]');
select is(pg_temp.spread('{"sku": "KIT", "quantity": 2, "strategy": "fewest_splits"}'), 'A W2 4, B W2 2', 'a bundle from one location');
select is(pg_temp.spread('{"sku": "KIT", "quantity": 4, "locations": ["W2", "W3"]}'), 'A W2 5, A W3 3, B W2 4', 'or from several');

select is_empty($$ select * from test.unexpected('{
    "select * from api.reserve_stock(''A'', ''W1'', 1, strategy => ''priority'')": "IV008", "select * from api.reserve_stock(''A'', quantity => 1, strategy => ''cheapest'')": "IV008",
    "select * from api.reserve_stock(''A'', quantity => 1, strategy => '''')": "IV008", "select * from api.reserve_stock(''A'', quantity => 1, strategy => ''nearest'')": "IV008",
    "select * from api.reserve_stock(''A'', quantity => 1, strategy => ''nearest'', locations => ''{}'')": "IV008", "select * from api.reserve_stock(''A'', quantity => 1, locations => ''{W1}'')": "IV008",
    "select * from api.reserve_stock(''A'', ''W1'', 1, locations => ''{W1}'')": "IV008", "select * from api.reserve_stock(''A'', quantity => 1, strategy => ''nearest'', locations => ''{NULL}'')": "IV008",
    "select * from api.reserve_stock(''A'', quantity => 1, strategy => ''nearest'', locations => ''{NONE,W2}'')": "IV004", "select * from api.reserve_stock(''A'', quantity => 1, strategy => ''priority'', locations => ''{NONE}'')": "IV004",
    "select * from api.reserve_stock(''NONE'', quantity => 1, strategy => ''priority'')": "IV003", "select * from api.reserve_stock(''OLD'', quantity => 1, strategy => ''priority'')": "IV010",
    "select * from api.reserve_stock(''A'', quantity => 0, strategy => ''priority'')": "IV008", "select * from api.reserve_stock(''A'', quantity => -1, strategy => ''priority'')": "IV008",
    "select * from api.reserve_stock(''A'', strategy => ''priority'')": "IV008", "select * from api.reserve_stock(''A'', quantity => 1000000000001, strategy => ''priority'')": "IV012",
    "select * from api.reserve_stock(''A'', quantity => 1, strategy => ''priority'', expected_version => 1)": "IV008",
    "select * from api.reserve_stock(strategy => ''priority'', lines => ''[{\"sku\": \"A\", \"quantity\": 1, \"location\": \"W1\"}]'')": "IV008",
    "select * from api.reserve_stock(strategy => ''priority'', lines => ''[{\"sku\": \"A\"}]'')": "IV008", "select * from api.reserve_stock(strategy => ''priority'', lines => ''[null]'')": "IV008"}') $$,
    'what is wrong is refused by its code, and changes nothing');
select is_empty($$ select c.command from unnest(array['{"strategy": 5}', '{"strategy": null}', '{"strategy": ["priority"]}', '{"locations": "W1"}', '{"locations": null}', '{"locations": [1]}', '{"locations": {}}', '{"locations": []}']) as c (command)
    where pg_temp.spread('{"sku": "A", "quantity": 1}' || c.command::jsonb) <> 'IV008' $$, 'malformed parts are refused');
select is(pg_temp.spread(jsonb_build_object('sku', 'A', 'quantity', 1, 'locations', (select jsonb_agg('W1'::text) from generate_series(1, 1001)))), 'IV008', 'so are 1,001 locations');
select is(test.states('NEW', 'EMPTY'), null, 'nothing was left behind');
select is_empty('select * from test.broken_rules()', 'every invariant holds');
select * from finish();
rollback;
