-- api.retire_movement_partitions: old months leave the ledger, and answers about what is left stay the same.
begin;
select plan(48);
select test.make_catalogue();
create function pg_temp.month(months integer) returns date language sql as $$ select (test.month(months) at time zone 'UTC')::date $$;

-- A life of five months: stock, settings, holds that run out between months, a transfer on its way.
select * from api.add_stock('A', 'W1', 20);
select * from api.set_stock_policy('A', 'W1', safety_stock => 3, policy => 'backorder');
select * from api.reserve_stock('A', 'W1', 6, expires_in => '15 days', reservation_id => '00000000-0000-0000-0000-000000000001');
select * from api.reserve_stock('A', 'W1', 4, expires_in => '500 days', reservation_id => '00000000-0000-0000-0000-000000000002');
select test.date_back(test.month(-4) + interval '20 days');
select api.expire_reservations();
select * from api.add_stock('B', 'W1', 7);
select api.apply_commands('[{"op": "ship", "sku": "A", "from": "W1", "to": "W2", "quantity": 5}]');
select test.date_back(test.month(-3) + interval '12 days');
select * from api.set_stock_policy('A', 'W1', safety_stock => 1, reorder_point => 8, policy => 'deny');
select test.date_back(test.month(-2) + interval '10 days');
select * from api.remove_stock('A', 'W1', 2);
select * from api.reserve_stock('B', 'W1', 1, expires_in => '2 days', reservation_id => '00000000-0000-0000-0000-000000000003');
select test.date_back(test.month(-1) + interval '10 days');
select * from api.confirm_reservation('00000000-0000-0000-0000-000000000002');
select * from api.add_stock('A', 'W2', 3, occurred_at => test.month(-1) + interval '1 day');

-- What is said about each second day since, before anything is closed.
create temporary table said as
    select d.at, b.by, s.* from generate_series(test.month(-4), test.month(0) + interval '1 hour', interval '2 days') as d (at)
    cross join unnest(array['recorded', 'occurred']) as b (by)
    cross join unnest(array['A', 'B']) as k (sku)
    cross join lateral api.get_stock_as_of(k.sku, d.at, by => b.by) as s;
create function pg_temp.said_otherwise(since timestamptz) returns setof record language sql as $$
    (select s.* from said as s where s.at >= since)
    except
    (select d.at, d.by, s.* from (select distinct x.at, x.by, x.sku from said as x where x.at >= since) as d cross join lateral api.get_stock_as_of(d.sku, d.at, by => d.by) as s)
$$;
create temporary table replayed as
    select s.version as v, s.* from inventory.stock_level as l join inventory.item as i on i.id = l.item_id
    cross join lateral generate_series(1, l.version) as g (v) cross join lateral api.replay_stock_level(i.sku, l.location_id, g.v) as s;
select cmp_ok((select count(*) from said), '>', 100::bigint, 'there is a history to ask about');

select is_empty($$ select * from api.retire_movement_partitions('1 month') $$, 'what is not closed stays');
select is((select count(*) from api.close_finished_months('0')), 4::bigint, 'the months are closed');
select is_empty($$ select * from pg_temp.said_otherwise('-infinity') as d (at timestamptz, by text, sku text, item_id uuid, location text, on_hand bigint, reserved bigint,
    available bigint, in_transit bigint, backordered bigint, damaged bigint, safety_stock bigint, reorder_point bigint, policy text, status text, version bigint,
    next_hold_at timestamptz, last_movement_at timestamptz, incoming bigint) $$, 'nothing that was said is otherwise after closing');
select is_empty('select * from api.check_ledger()', 'the ledger is whole');
select is_empty('select * from api.check_conservation()', 'nothing is lost');

select throws_ok($$ select * from api.retire_movement_partitions('29 days') $$, 'IV008', null, 'under a month is refused');
select throws_ok($$ select * from api.retire_movement_partitions(null) $$, 'IV008', null, 'no retention too');
select is_empty('select * from api.retire_movement_partitions()', 'three years are kept');
select is_empty($$ select * from api.retire_movement_partitions(now() - test.month(-3) + interval '1 hour') $$, 'a month that ended an hour too late stays');
select results_eq($$ select month, table_name, movements, length(digest), dropped from api.retire_movement_partitions(now() - test.month(-3)) $$,
    $$ select pg_temp.month(-4), to_char(pg_temp.month(-4), '"archive.stock_movement_y"YYYY"m"MM'), 4::bigint, 64, false $$, 'one month is retired');
select is_empty($$ select * from api.retire_movement_partitions(now() - test.month(-3)) $$, 'and not twice');
select results_eq($$ select month, movements from api.retire_movement_partitions(now() - test.month(-1) - interval '1 day') $$, $$ values (pg_temp.month(-3), 4::bigint), (pg_temp.month(-2), 1) $$,
    'then two, the oldest first');
select is((select count(*) from inventory.stock_movement), 4::bigint, 'the ledger has the others');
select set_eq($$ select r.table_name from inventory.retired_partition as r where to_regclass(r.table_name) is not null $$, $$ select r.table_name from inventory.retired_partition as r $$,
    'the tables of the retired ones are in the archive');
select is((select count(*) from api.get_audit_entries(action => 'retire_movement_partition')), 3::bigint, 'this is audited');

-- The archive.
create function pg_temp.archived(query text) returns text language sql as $$ select format(query, to_char(pg_temp.month(-4), '"archive.stock_movement_y"YYYY"m"MM')) $$;
create function pg_temp.as_role(role text, query text) returns void language plpgsql as $$
begin
    execute format('set local role %I', role);
    execute query;
    reset role;
end
$$;
select throws_ok(format('select pg_temp.as_role(%L, %L)', 'onhand_owner', pg_temp.archived(q.query)), 'IV008', null, q.query)
from unnest(array['update %s set reason = null', 'delete from %s', 'truncate %s']) as q (query);
select lives_ok(format('select pg_temp.as_role(%L, %L)', 'onhand_reader', pg_temp.archived('select from %s')), 'readers read it');
select throws_ok(format('select pg_temp.as_role(%L, %L)', 'onhand_admin', pg_temp.archived('insert into %s select * from %1$s')), '42501', null, 'nobody adds to it');
select is_empty('select * from api.check_ledger()', 'its digest is proved');
set local session_replication_role = replica;
do $$ begin execute pg_temp.archived('delete from %s as m where m.version = 4'); end $$;
set local session_replication_role = origin;
select is((select f.found ->> 'table' from api.check_ledger() as f), pg_temp.archived('%s'), 'what is missing there is noticed');

-- What is still kept is answered as before.
select is_empty($$ select * from pg_temp.said_otherwise(test.month(-1)) as d (at timestamptz, by text, sku text, item_id uuid, location text, on_hand bigint, reserved bigint,
    available bigint, in_transit bigint, backordered bigint, damaged bigint, safety_stock bigint, reorder_point bigint, policy text, status text, version bigint,
    next_hold_at timestamptz, last_movement_at timestamptz, incoming bigint) $$, 'nothing that is said about what is kept is otherwise');
select is((select count(*) from api.get_stock_level('A', as_of => test.month(-1))), 2::bigint, 'the first instant that is kept is answered');
select is(test.refusal($$ select * from api.get_stock_level('A', as_of => test.month(-1) - interval '1 microsecond') $$),
    jsonb_build_object('code', 'IV033', 'as_of', test.month(-1) - interval '1 microsecond', 'first_instant', test.month(-1)), 'the one before is refused, with the first that can be answered');
select throws_ok($$ select * from api.get_stock_as_of('A', test.month(-2), by => 'occurred') $$, 'IV033', null, 'also by occurrence');
select throws_ok($$ select * from api.get_stock_level('NONE', as_of => test.month(-2)) $$, 'IV033', null, 'whatever is asked for');
select is(test.refusal($$ select * from api.replay_stock_level('A', 'W1', 5) $$) - '{first_instant}'::text[],
    '{"code": "IV033", "sku": "A", "location": "W1", "version": 5, "first_version": 7}', 'a version before the last closing is refused');
select set_eq($$ select s.* from inventory.stock_level as l join inventory.item as i on i.id = l.item_id
        cross join lateral internal.retired_balance(l.item_id, l.location_id) as b
        cross join lateral generate_series(b.version, l.version) as g (v) cross join lateral api.replay_stock_level(i.sku, l.location_id, g.v) as s $$,
    $$ select r.sku, r.item_id, r.location, r.on_hand, r.reserved, r.available, r.in_transit, r.backordered, r.damaged, r.safety_stock, r.reorder_point, r.policy, r.status,
        r.version, r.next_hold_at, r.last_movement_at, r.incoming from replayed as r
        join inventory.stock_level as l on l.item_id = r.item_id and l.location_id = r.location
        cross join lateral internal.retired_balance(l.item_id, l.location_id) as b where r.v >= b.version $$, 'the versions behind it replay to what they did');
select is_empty('select * from api.check_conservation()', 'nothing is lost');
select is_empty('select * from api.check_conservation(test.month(-1) + interval ''5 days'')', 'nor since an instant');
select is_empty('select * from api.check_conservation(test.month(-4))', 'nor since one that is not kept');
select results_eq('select month from api.close_month(pg_temp.month(-3))', 'select pg_temp.month(-3)', 'a retired month is closed, and stays so');
select is((select count(*) from api.get_stock_history('A', max_rows => 1000)), 3::bigint, 'the history has what is kept');

-- Writes go on.
select lives_ok($$ select * from api.add_stock('A', 'W1', 1) $$, 'a receipt');
select lives_ok($$ select api.apply_commands(jsonb_build_array(jsonb_build_object('op', 'receive', 'transfer_id', (select t.id from inventory.transfer as t), 'complete', true))) $$,
    'what was shipped in a retired month arrives');
select is_empty('select * from api.check_conservation()', 'nothing is lost');
select lives_ok($$ select pg_temp.as_role('onhand_owner', format('select internal.ensure_movement_partition(%L)', test.month(-4))) $$, 'a clock set back by months finds a partition');

-- Dropping.
select throws_ok($$ select pg_temp.as_role('onhand_api', 'select * from api.retire_movement_partitions(drop_detached => true)') $$, '42501', null, 'the api role may not drop');
select lives_ok($$ select pg_temp.as_role('onhand_api', 'select * from api.retire_movement_partitions()') $$, 'but retire');
select throws_ok($$ select pg_temp.as_role('onhand_operator', 'select * from api.retire_movement_partitions()') $$, '42501', null, 'the operator may not');
select lives_ok($$ select pg_temp.as_role('onhand_admin', 'select * from api.retire_movement_partitions(drop_detached => true)') $$, 'the admin may drop');
select is((select count(*) from pg_class as c where c.relnamespace = 'archive'::regnamespace and c.relkind = 'r'), 0::bigint, 'the archive is empty');
select results_eq('select action from api.get_audit_entries(max_rows => 3)', array['drop_movement_partition', 'drop_movement_partition', 'drop_movement_partition'], 'this is audited');
select is_empty('select * from api.check_ledger()', 'what was dropped is not missed');
select results_eq($$ select month, dropped from api.retire_movement_partitions('1 month', drop_detached => true) $$, $$ select pg_temp.month(-2), true where false $$, 'and not dropped twice');
select is((select count(*) from inventory.retired_partition), 3::bigint, 'count and digest stay');
select * from finish();
rollback;
