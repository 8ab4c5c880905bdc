-- api.close_month and api.close_finished_months: closing balances at month ends.
begin;
select plan(42);
select test.make_catalogue();
select is_empty('select * from api.close_finished_months()', 'without a movement there is nothing to close');

-- Three months ago: stock, settings and a hold. Two months ago: other stock. Last month: a little.
select * from api.add_stock('A', 'W1', 10);
select * from api.add_stock('A', 'W2', 5);
select * from api.set_stock_policy('A', 'W1', safety_stock => 3, reorder_point => 6, policy => 'backorder');
select * from api.reserve_stock('A', 'W1', 4, expires_in => '400 days');
select test.date_back(test.month(-3) + interval '10 days');
select * from api.remove_stock('A', 'W1', 2);
select * from api.add_stock('B', 'W1', 7);
select test.date_back(test.month(-2) + interval '10 days');
select * from api.set_stock_policy('A', 'W1', safety_stock => 1);
select * from api.adjust_stock('A', 'W2', -1, reason => 'count');
select test.date_back(test.month(-1) + interval '10 days');
select * from api.add_stock('A', 'W1', 1);
create function pg_temp.month(months integer) returns date language sql as $$ select (test.month(months) at time zone 'UTC')::date $$;
create function pg_temp.closing(months integer) returns setof text language sql as $$
    select concat_ws(' ', i.sku, c.location_id, 'v' || c.version, c.on_hand, c.reserved, c.available, c.safety_stock, c.reorder_point, c.policy)
    from inventory.closing_balance as c join inventory.item as i on i.id = c.item_id where c.month = pg_temp.month(months) order by i.sku, c.location_id, c.version
$$;

select throws_ok('select * from api.close_month(null)', 'IV008', null, 'a month is required');
select throws_ok('select * from api.close_month(pg_temp.month(0))', 'IV008', null, 'this month is refused');
select throws_ok('select * from api.close_month(pg_temp.month(1))', 'IV008', null, 'a month to come too');
select throws_ok($$ select * from api.close_month('infinity') $$, 'IV008', null, 'and one that never ends');
select is(test.refusal('select * from api.close_month(pg_temp.month(-2))'), jsonb_build_object('code', 'IV008', 'field', 'month',
    'problem', 'is not the next to be closed', 'next', pg_temp.month(-3)), 'a gap is refused, with the month that is next');
select throws_ok('select * from api.close_month(pg_temp.month(-4))', 'IV008', null, 'a month before the first movement is refused');
select is((select count(*) from inventory.closed_month), 0::bigint, 'nothing was closed');

select results_eq('select month, levels, movements from api.close_month(pg_temp.month(-3))', $$ values (pg_temp.month(-3), 2::bigint, 4::bigint) $$, 'the first month');
select results_eq('select * from pg_temp.closing(-3)', array['A W1 v3 10 4 6 3 6 backorder', 'A W2 v1 5 0 5 0 0 deny'], 'its balances, with the settings of then');
select results_eq('select month, levels, movements from api.close_month(pg_temp.month(-3))', $$ values (pg_temp.month(-3), 2::bigint, 4::bigint) $$, 'again: the same');
select is((select count(*) from inventory.closing_balance), 2::bigint, 'and nothing is written');
select results_eq($$ select month from api.close_month(pg_temp.month(-2) + 13) $$, $$ select pg_temp.month(-2) $$, 'any day of a month names it');
select results_eq('select * from pg_temp.closing(-2)', array['A W1 v4 8 4 4 3 6 backorder', 'A W2 v1 5 0 5 0 0 deny', 'B W1 v1 7 0 7 0 0 deny'],
    'what did not move is carried on');
select is((select c.last_recorded_at < test.month(-2) from inventory.closing_balance as c where c.month = pg_temp.month(-2) and c.location_id = 'W2'), true,
    'with the instant of its last movement');
select results_eq($$ select month from api.close_finished_months(grace => now() - test.month(0) + interval '1 hour') $$, $$ select pg_temp.month(-1) where false $$,
    'a month that ended within the grace is not closed yet');
select results_eq($$ select month, levels, movements from api.close_finished_months('0') $$, $$ values (pg_temp.month(-1), 3::bigint, 2::bigint) $$, 'then it is');
select results_eq('select * from pg_temp.closing(-1)', array['A W1 v5 8 4 4 1 6 backorder', 'A W2 v2 4 0 4 0 0 deny', 'B W1 v1 7 0 7 0 0 deny'],
    'a setting that was left as it was stays');
select is_empty('select * from api.close_finished_months()', 'and this month is not');
select throws_ok($$ select * from api.close_finished_months('-1 second') $$, 'IV008', null, 'a negative grace is refused');
select throws_ok($$ select * from api.close_finished_months(null) $$, 'IV008', null, 'no grace too');
select results_eq('select action, detail from api.get_audit_entries() where action = ''close_month''',
    $$ select 'close_month', jsonb_build_object('month', pg_temp.month(c.m), 'levels', c.l, 'movements', c.n) from (values (-1, 3, 2), (-2, 3, 2), (-3, 2, 4)) as c (m, l, n) $$,
    'each is audited');
select is_empty('select * from api.check_ledger()', 'the ledger is whole');

-- What was closed stays.
create function pg_temp.as_owner(query text) returns void language plpgsql as $$
begin
    set local role onhand_owner;
    execute query;
    reset role;
end
$$;
select throws_ok(format('select pg_temp.as_owner(%L)', q.query), 'IV008', null, q.query)
from unnest(array['update inventory.closing_balance set on_hand = 0, available = 0', 'delete from inventory.closing_balance', 'truncate inventory.closing_balance',
    'update inventory.closed_month set levels = 0', 'delete from inventory.closed_month', 'truncate inventory.closed_month', 'truncate inventory.retired_partition']) as q (query);

-- A fact that is reported late goes into this month, whenever it happened.
select * from api.add_stock('B', 'W1', 1, occurred_at => test.month(-2) + interval '11 days');
select is((select m.recorded_at >= test.month(0) from inventory.stock_movement as m join inventory.item as i on i.id = m.item_id where i.sku = 'B' and m.version = 2), true,
    'a late fact is recorded now');
select is((select count(*) from api.close_month(pg_temp.month(-2))), 1::bigint, 'the month of the fact may be closed again');
select is((select count(*) from pg_temp.closing(-2)), 3::bigint, 'and is as it was');

-- A clock that was set back by more than the grace records into a month that is closed: it is noticed, and the month is closed anew.
select test.date_back(test.month(-2) + interval '20 days');
select isnt_empty($$ select * from api.check_ledger() where rule ~ '^closing' $$, 'movements that came after the closing are noticed');
select is((select count(*) from api.close_month(pg_temp.month(-2))), 1::bigint, 'closing it again');
select results_eq('select * from pg_temp.closing(-2)', array['A W1 v4 8 4 4 3 6 backorder', 'A W1 v6 9 4 5 3 6 backorder', 'A W2 v1 5 0 5 0 0 deny', 'B W1 v1 7 0 7 0 0 deny',
    'B W1 v2 8 0 8 0 0 deny'], 'adds newer versions');
select is((select count(*) from pg_temp.closing(-1) as c where c like 'B W1 v2 8%'), 1::bigint, 'also to the months behind it');
select is((select count(*) from pg_temp.closing(-1) as c where c = 'A W1 v6 9 4 5 1 6 backorder'), 1::bigint, 'whichever month had the last version');
select is((select count(*) from inventory.closed_month), 3::bigint, 'and no month is closed twice');
select is_empty('select * from api.check_ledger()', 'and the ledger is whole again');
select is((select count(*) from api.get_audit_entries(action => 'renew_closings')), 1::bigint, 'this is audited');
select is_empty('select * from api.check_conservation()', 'nothing is lost');
select * from finish();
rollback;
