-- api.get_stock_as_of: balances at an instant, as they were recorded by then, or as they had occurred.
begin;
select plan(34);
select test.make_catalogue();
create temporary table instant (name text primary key, at timestamptz);

-- Settings are those of the instant.
select * from api.set_default_policy(location => 'W2', policy => 'backorder');
select * from api.add_stock('A', 'W1', 10);
select * from api.reserve_stock('A', 'W2', 5, expires_in => '2 hours', reservation_id => '00000000-0000-0000-0000-000000000001');
select test.date_back(now() - interval '10 days');
insert into instant values ('first', now() - interval '9 days');
select * from api.set_stock_policy('A', 'W1', safety_stock => 2, reorder_point => 10);
select test.date_back(now() - interval '8 days');
insert into instant values ('low', now() - interval '7 days');
select * from api.set_stock_policy('A', 'W1', reorder_point => 4, policy => 'oversell');
select * from api.reserve_stock('A', 'W1', 11, expires_in => '1 day');
select test.date_back(now() - interval '6 days');
insert into instant values ('oversold', now() - interval '6 days' + interval '1 hour'), ('overdue', now() - interval '4 days');
-- What was due is written off by the next writer.
select * from api.add_stock('A', 'W2', 1);
select * from api.set_stock_policy('A', 'W2', safety_stock => 1);
select * from api.add_stock('A', 'W1', 5);
select test.date_back(now() - interval '3 days');
insert into instant values ('settled', now() - interval '2 days');

create function pg_temp.said(name text, by text default 'recorded') returns setof text language sql as $$
    select concat_ws(' ', s.location, s.on_hand, s.reserved, s.available, s.backordered, s.safety_stock, s.reorder_point, s.policy, s.status, 'v' || s.version)
    from instant as n cross join lateral api.get_stock_as_of('A', n.at, by => said.by) as s where n.name = said.name
$$;
select results_eq($$ select * from pg_temp.said('first') $$, array['W1 10 0 10 0 0 0 deny in_stock v1', 'W2 0 0 0 0 0 0 backorder out_of_stock v1'],
    'a level that was made without a setting has what the first setting replaced; a backorder that had run out is not counted');
select results_eq($$ select * from pg_temp.said('low') $$, array['W1 10 0 10 0 2 10 deny low_stock v2', 'W2 0 0 0 0 0 0 backorder out_of_stock v1'], 'then it was low');
select results_eq($$ select * from pg_temp.said('oversold') $$, array['W1 10 11 -1 0 2 4 oversell out_of_stock v4', 'W2 0 0 0 0 0 0 backorder out_of_stock v1'], 'then oversold');
select results_eq($$ select * from pg_temp.said('overdue') $$, array['W1 10 0 10 0 2 4 oversell in_stock v4', 'W2 0 0 0 0 0 0 backorder out_of_stock v1'],
    'a hold that had run out is not counted, though nobody had written so');
select results_eq($$ select * from pg_temp.said('settled') $$, array['W1 15 0 15 0 2 4 oversell in_stock v6', 'W2 1 0 1 0 1 0 backorder low_stock v4'], 'then it was written');
select results_eq($$ select s.* from instant as n cross join lateral api.get_stock_as_of('A', n.at) as s $$,
    $$ select s.* from instant as n cross join lateral api.get_stock_level('A', as_of => n.at) as s $$, 'as_of of get_stock_level is the same');
select results_eq($$ select backordered, reserved from api.get_stock_as_of('A', now() - interval '10 days' + interval '1 hour', 'W2') $$, $$ values (5::bigint, 0::bigint) $$,
    'before its deadline a backorder counted');
select is_empty($$ select * from api.get_stock_as_of('A', now() - interval '11 days') $$, 'before all that there was nothing');
select results_eq($$ select sku, location, on_hand, reserved, available, safety_stock, policy, status, version from api.get_stock_as_of('A', clock_timestamp()) $$,
    $$ select sku, location, on_hand, reserved, available, safety_stock, policy, status, version from api.get_stock_level('A') $$, 'now is now');

-- Facts that are reported late.
select * from api.remove_stock('A', 'W1', 4, occurred_at => now() - interval '7 days' - interval '1 minute');
select * from api.add_stock('A', 'SHUT', 2, occurred_at => now() - interval '5 days');
select * from api.add_stock('A', 'W2', 100, occurred_at => now() + interval '1 day');
select results_eq($$ select * from pg_temp.said('low') $$, array['W1 10 0 10 0 2 10 deny low_stock v2', 'W2 0 0 0 0 0 0 backorder out_of_stock v1'],
    'what was recorded then is what was recorded then');
select results_eq($$ select * from pg_temp.said('first', 'occurred') $$, $$ select * from pg_temp.said('first') $$, 'before a late fact nothing is otherwise');
select results_eq($$ select * from pg_temp.said('low', 'occurred') $$, array['W1 6 0 6 0 2 10 deny low_stock v7', 'W2 0 0 0 0 0 0 backorder out_of_stock v1'],
    'after it had happened it counts, with its version');
select results_eq($$ select * from pg_temp.said('overdue', 'occurred') $$, array['SHUT 2 0 2 0 0 0 deny in_stock v1', 'W1 6 0 6 0 2 4 oversell in_stock v7', 'W2 0 0 0 0 0 0 backorder out_of_stock v1'],
    'also at a place that nobody knew of then; a hold that had run out is not counted');
select results_eq($$ select last_movement_at from api.get_stock_as_of('A', now() - interval '4 days', 'SHUT', 'occurred') $$, $$ select now() - interval '5 days' $$, 'the last movement is when it happened');
select is_empty($$ select * from api.get_stock_as_of('A', now() - interval '6 days', 'SHUT', 'occurred') $$, 'before it happened it had not');
select is((select on_hand from api.get_stock_as_of('A', clock_timestamp(), 'W2', 'occurred')), 101::bigint, 'what claims to happen in the future counts from when it was recorded');
select results_eq($$ select sku, location, on_hand, reserved, available, backordered, version from api.get_stock_as_of('A', clock_timestamp(), by => 'occurred') $$,
    $$ select sku, location, on_hand, reserved, available, backordered, version from api.get_stock_level('A') $$, 'by now all that has occurred is all there is');

-- Digital items are never short.
select * from api.upsert_items('[{"sku": "D", "name": "d", "kind": "digital"}]');
select * from api.add_stock('D', 'W1', 1);
select results_eq($$ select policy, status from api.get_stock_as_of('D', clock_timestamp()) $$, $$ values ('unlimited', 'in_stock') $$, 'a digital item is unlimited');

-- Lots: what was free of one that had ended was not sellable any more, though that was written only later; what was held of it was held.
select * from api.upsert_items('[{"sku": "L", "name": "l", "tracking": "lot"}]');
select test.outcomes('[{"op": "add", "sku": "L", "location": "W1", "quantity": 10, "lot": "L1", "lot_expires_at": "2999-01-01T00:00:00Z"},
    {"op": "add", "sku": "L", "location": "W1", "quantity": 20, "lot": "L2"}]');
select test.outcomes('[{"op": "reserve", "sku": "L", "location": "W1", "quantity": 3, "lot": "L1", "expires_in_seconds": 172800}]');
select test.outcomes('[{"op": "reserve", "sku": "L", "location": "W1", "quantity": 1, "lot": "L1", "expires_in_seconds": 1728000}]');
select test.date_back(now() - interval '10 days');
update inventory.lot set expires_at = now() - interval '9 days' where code = 'L1';
update inventory.lot_level as l set ends_at = now() - interval '9 days' from inventory.lot as t where t.id = l.lot_id and t.code = 'L1';
update inventory.stock_level as s set next_hold_at = now() - interval '9 days' from inventory.item as i where i.id = s.item_id and i.sku = 'L';
create function pg_temp.lots(at timestamptz) returns text language sql as $$
    select concat_ws(' ', s.on_hand, s.reserved, s.available, s.damaged, 'v' || s.version) from api.get_stock_level('L', 'W1', as_of => lots.at) as s
$$;
create temporary table lots as select d.days, pg_temp.lots(now() - make_interval(days => 10) + d.days * interval '1 day') as said from unnest(array[0.5, 1.5, 2.5]) as d (days);
select is((select said from lots where days = 0.5), '30 4 26 0 v4', 'the lot had not ended');
select is((select said from lots where days = 1.5), '24 4 20 6 v4', 'it had: what was free of it was damaged');
select is((select said from lots where days = 2.5), '21 1 20 9 v4', 'a hold on it ran out: so was that');
select is(pg_temp.lots(null), '21 1 20 9 v4', 'and so it is now');
select is(api.expire_lots(), 1, 'then it is written');
select is_empty($$ select * from lots as l where l.said <> pg_temp.lots(now() - make_interval(days => 10) + l.days * interval '1 day') $$, 'and was as it was');
select is(pg_temp.lots(clock_timestamp()), '21 1 20 9 v6', 'only the version is newer');

select throws_ok($$ select * from api.get_stock_as_of('A', null) $$, 'IV008', null, 'an instant is required');
select throws_ok($$ select * from api.get_stock_as_of('A', now(), by => 'guessed') $$, 'IV008', null, 'there are two ways to ask');
select throws_ok($$ select * from api.get_stock_as_of('A', now(), by => null) $$, 'IV008', null, 'and not none');
select is_empty($$ select * from api.get_stock_as_of('NONE', now()) $$, 'an unknown sku has no rows');
select is_empty($$ select * from api.get_stock_as_of('A', now(), 'NONE') $$, 'an unknown location has no rows');
select is_empty($$ select * from api.get_stock_as_of(null, now()) $$, 'no sku has no rows');
select is((select count(*) from api.get_stock_as_of('A', clock_timestamp(), 'W1')), 1::bigint, 'one location');
select is_empty('select * from api.check_conservation()', 'nothing is lost');
select is_empty('select * from test.broken_rules()', 'every invariant holds');
select * from finish();
rollback;
