-- How the consumer of alerts keeps its state: api.lock_alert_levels, api.record_alert_levels, api.list_alert_levels, api.establish_alerts, api.get_alerts,
-- api.get_alert_history, api.refresh_alert_conditions, api.get_capture_lag, api.purge_alert_history.
begin;
select plan(52);
select test.make_catalogue();
create function pg_temp.item(wanted text) returns uuid language sql as $$ select id from inventory.item where sku = wanted $$;
create function pg_temp.edge(fingerprint text, event text, severity text default 'warning', at timestamptz default null) returns jsonb language sql as $$
    select jsonb_build_object('fingerprint', fingerprint, 'event', event, 'kind', 'reorder_point', 'severity', severity,
        'item_id', pg_temp.item('A'), 'location', 'W1', 'value', 1, 'threshold', 2, 'version', 7, 'at', at)
$$;
create function pg_temp.level(version bigint, available bigint, open_kinds text default '[]') returns jsonb language sql as $$
    select jsonb_build_array(jsonb_build_object('item_id', pg_temp.item('A'), 'location', 'W1', 'version', version, 'available', available,
        'safety_stock', 1, 'reorder_point', 2, 'unlimited', false, 'stocked', true, 'open_kinds', open_kinds::jsonb))
$$;

-- Levels.
select results_eq($$ select sku, location, archived, version, stocked, open_kinds from api.lock_alert_levels(array[pg_temp.item('B'), pg_temp.item('A')], '{W1,W1}') order by sku $$,
    $$ values ('A', 'W1', false, 0::bigint, false, '{}'::text[]), ('B', 'W1', false, 0::bigint, false, '{}') $$, 'rows are made where they are missing');
select is((select count(*) from api.lock_alert_levels(array[pg_temp.item('B'), pg_temp.item('A')], '{W1,W1}')), 2::bigint, 'once');
select throws_ok($$ select api.lock_alert_levels(array(select gen_random_uuid() from generate_series(1, 1001)), '{}') $$, 'IV013', null, 'at most 1,000');
select throws_ok($$ select api.record_alert_levels((select jsonb_agg(n) from generate_series(1, 1001) as n), '[]') $$, 'IV013', null, 'at most 1,000 here too');
select api.record_alert_levels(pg_temp.level(7, 1, '["reorder_point"]'), jsonb_build_array(pg_temp.edge('f', 'opened', at => '2026-01-01 00:00Z')));
select results_eq($$ select version, available, safety_stock, reorder_point, unlimited, stocked, open_kinds from inventory.alert_level where item_id = pg_temp.item('A') $$,
    $$ values (7::bigint, 1::bigint, 1::bigint, 2::bigint, false, true, '{reorder_point}'::text[]) $$, 'what they were judged by is kept');
select api.record_alert_levels(pg_temp.level(6, 100), '[]');
select is((select version || ' ' || available from inventory.alert_level where item_id = pg_temp.item('A')), '7 1', 'an older version changes nothing');
select results_eq($$ select location from api.list_alert_levels() $$, array['W1', 'W1'], 'keys of all levels');
select is((select count(*) from api.list_alert_levels(pg_temp.item('A'), 'W1')), 1::bigint, 'of one');
select is((select count(*) from api.list_alert_levels(after_item => 'ffffffff-ffff-ffff-ffff-ffffffffffff', after_location => '')), 0::bigint, 'after a key');
select throws_ok($$ select api.list_alert_levels(max_rows => 0) $$, 'IV008', null, 'a page of nothing');

-- Alerts and their edges.
select results_eq($$ select fingerprint, kind, status, severity, sku, location, value, threshold, opened_at, resolved_at, version from api.get_alerts() $$,
    $$ values ('f', 'reorder_point', 'open', 'warning', 'A', 'W1', 1::bigint, 2::bigint, '2026-01-01 00:00Z'::timestamptz, null::timestamptz, 7::bigint) $$, 'an alert is open');
select api.record_alert_levels('[]', jsonb_build_array(pg_temp.edge('f', 'resolved', 'info', '2026-01-02 00:00Z')));
select results_eq($$ select status, severity, opened_at, resolved_at from api.get_alerts('resolved') $$,
    $$ values ('resolved', 'warning', '2026-01-01 00:00Z'::timestamptz, '2026-01-02 00:00Z'::timestamptz) $$, 'and resolved');
select is_empty('select * from api.get_alerts()', 'no longer open');
select api.record_alert_levels('[]', jsonb_build_array(pg_temp.edge('f', 'opened', 'info', '2026-01-03 00:00Z'), pg_temp.edge('f', 'resolved', 'info', '2026-01-04 00:00Z'),
    pg_temp.edge('f', 'opened', 'critical', '2026-01-05 00:00Z')));
select results_eq($$ select status, severity, opened_at, resolved_at from api.get_alerts(null) $$,
    $$ values ('open', 'critical', '2026-01-05 00:00Z'::timestamptz, null::timestamptz) $$, 'of several edges the last is in force');
select results_eq($$ select event, severity, (payload ->> 'opened_at')::timestamptz from api.get_alert_history('f') $$,
    $$ values ('opened', 'critical', '2026-01-05 00:00Z'::timestamptz), ('resolved', 'info', '2026-01-03 00:00Z'), ('opened', 'info', '2026-01-03 00:00Z'),
        ('resolved', 'warning', '2026-01-01 00:00Z'), ('opened', 'warning', '2026-01-01 00:00Z') $$, 'and all are in the history');
select is((select count(*) from api.get_alert_history(before => (select min(id) + 2 from inventory.alert_event))), 2::bigint, 'page by page');
select is((select count(*) from api.get_alerts(kind => 'reorder_point', sku => 'A', location => 'W1')), 1::bigint, 'alerts of a place');
select is((select count(*) from api.get_alerts(sku => 'B')), 0::bigint, 'and of another');
select throws_ok($$ select api.get_alerts('shut') $$, 'IV008', null, 'an unknown status');
select throws_ok($$ select api.get_alerts(max_rows => 0) $$, 'IV008', null, 'a page of nothing');
select throws_ok($$ select api.get_alert_history(max_rows => 0) $$, 'IV008', null, 'of the history too');

-- What is open when alerting begins is told as one.
select is(api.establish_alerts(dry_run => true), null, 'it has not begun');
select api.record_alert_levels('[]', jsonb_build_array(pg_temp.edge('g', 'opened')), '[{"name": "slack"}]', quiet => true);
select is((select count(*) from api.get_alert_history('g')), 0::bigint, 'the beginning is quiet');
create temporary table began as select api.establish_alerts('[{"name": "slack"}]') as at;
select isnt((select at from began), null, 'it has begun');
select is(api.establish_alerts('[{"name": "slack"}]'), (select at from began), 'once');
select results_eq($$ select event, payload -> 'count', payload -> 'kinds' from api.get_alert_history(max_rows => 1) $$, $$ values ('established', '2'::jsonb, '{"reorder_point": 2}'::jsonb) $$, 'told as one event');
select is((select jsonb_path_query_array(payload, '$.alerts[*].fingerprint') from api.get_alert_history(max_rows => 1)), '["f", "g"]', 'that names them, the worst first');
select is((select count(*) from inventory.alert_delivery where receiver = 'slack'), 1::bigint, 'to each receiver');

-- What depends on time. The lot ends in a day, the hold in half an hour.
create function pg_temp.refresh(conditions jsonb default '[]', lot_horizon interval default '2 days', hold_horizon interval default '1 hour') returns text language sql as $$
    select opened || ' ' || resolved from api.refresh_alert_conditions(lot_horizon, hold_horizon, '10 minutes', 2, conditions)
$$;
select is(pg_temp.refresh(), '0 0', 'nothing is about to end');
select api.upsert_items('[{"sku": "M", "name": "Milk", "tracking": "lot"}]');
select count(*) from api.apply_commands(jsonb_build_array(jsonb_build_object('op', 'add', 'sku', 'M', 'location', 'W1', 'quantity', 5, 'lot', 'L1',
    'lot_expires_at', clock_timestamp() + interval '1 day')));
select api.add_stock('B', 'W1', 10);
create temporary table held as select * from api.reserve_stock('B', 'W1', 3, expires_in => '30 minutes', owner => 'shop');
select api.reserve_stock('B', 'W1', 1, expires_in => '5 minutes');
create temporary table counted as select * from api.open_count('W1', '{B}');
select api.count_line((select count_id from counted), 'B', 7);
select is(pg_temp.refresh(lot_horizon => '1 hour', hold_horizon => '1 minute'), '1 0', 'a count waits; lot and hold have time');
select is(pg_temp.refresh(), '2 0', 'a lot and a long hold are about to end');
select is(pg_temp.refresh(), '0 0', 'once');
select results_eq($$ select kind, sku, location, severity, value from api.get_alerts() where kind in ('lot_expiry', 'hold_expiry', 'count_variance') order by kind $$,
    $$ values ('count_variance', null::text, 'W1', 'warning', 3::bigint), ('hold_expiry', 'B', 'W1', 'info', 3::bigint), ('lot_expiry', 'M', 'W1', 'warning', 5::bigint) $$, 'what they say');
select api.set_alert_rule('lot_expiry', 'M', enabled => false), api.set_alert_rule('hold_expiry', threshold => 60), api.set_alert_rule('count_variance', 'B', threshold => 4);
select is(pg_temp.refresh(), '0 3', 'rules take them back');
select api.remove_alert_rule('lot_expiry', 'M'), api.set_alert_rule('lot_expiry', 'M', 'W1', threshold => 172800, severity => 'critical'), api.remove_alert_rule('hold_expiry'),
    api.remove_alert_rule('count_variance', 'B');
select is(pg_temp.refresh(lot_horizon => '1 minute'), '3 0', 'or bring them back');
select is((select severity from api.get_alerts(kind => 'lot_expiry')), 'critical', 'with their severity');
select api.remove_stock('M', 'W1', 5), api.cancel_reservation((select reservation_id from held)), api.cancel_count((select count_id from counted));
select is(pg_temp.refresh(), '0 3', 'sold, cancelled and called off: nothing is about to end any more');
select is(pg_temp.refresh('[{"fingerprint": "pipeline_lag/slot", "kind": "pipeline_lag", "reference": "slot", "severity": "critical", "value": 9, "threshold": 8, "detail": {}}]'), '1 0', 'the pipeline is behind');
select is(pg_temp.refresh(), '0 1', 'and caught up');

-- Judging anew.
select is_empty('select * from api.find_rule_changes()', 'rules of other kinds ask no level');
select api.upsert_item('A', status => 'archived');
select is((select item_id from api.find_rule_changes()), pg_temp.item('A'), 'an archived item with open alerts is judged anew');
select is((select count(*) from inventory.alert_rule_change, api.find_rule_changes()), 1::bigint, 'once');
select is((select archived from api.lock_alert_levels(array[pg_temp.item('A')], '{W1}')), true, 'as archived');

-- The pipeline, and forgetting.
select cmp_ok((select heartbeat_seconds from api.get_capture_lag('none')), '>=', 0::bigint, 'age of the last heartbeat');
select is((select slot_bytes from api.get_capture_lag('none')), null, 'no slot');
select throws_ok($$ select api.purge_alert_history('-1 s') $$, 'IV008', null, 'a length below zero is refused');
select throws_ok($$ select api.purge_alert_history(max_count => 0) $$, 'IV008', null, 'and a count of none');
select is(api.purge_alert_history() + api.purge_alert_history('178000000 years'), 0::bigint, 'nothing is old');
select is(api.purge_alert_history('0 s', 3), 3::bigint, 'a bounded number goes');
select is(api.purge_alert_history('0 s') > 0, true, 'and the rest');
select results_eq($$ select event from api.get_alert_history() $$, array['established'], 'but for what is pending');
select is((select count(*) from inventory.alert where status = 'open'), 2::bigint, 'open alerts stay');
select * from finish();
rollback;
