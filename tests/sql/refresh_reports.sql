-- api.refresh_reports and api.report_staleness.
begin;
select plan(22);
select test.make_catalogue();
select * from api.add_stock('A', 'W1', 10);
create function pg_temp.stale(report text) returns text language sql
    as $$ select concat_ws(' ', s.pending_movements, s.age_seconds >= 0) from api.report_staleness as s where s.report = stale.report $$;

select is((select count(*) from api.mv_stock_summary), 0::bigint, 'a report is as of its last refresh');
select is(pg_temp.stale('mv_stock_summary'), '1 t', 'one movement is not in it');
select is(pg_temp.stale('stock_summary'), '1 t', 'nor in the summaries');
select results_eq('select r.refreshed from api.refresh_reports() as r', array['mv_stock_summary', 'report_abc', 'report_ageing', 'report_days_of_cover', 'report_dead_stock', 'report_turnover'],
    'all are refreshed, in this order');
select is((select quantity from api.mv_stock_summary where sku = 'A'), 10::bigint, 'now it is there');
select is((select count(*) from api.report_staleness where refreshed_by = session_user and duration > '0' and report <> 'stock_summary'), 6::bigint, 'who and how long is noted');
select ok((select bool_and(age_seconds between 0 and 60) from api.report_staleness), 'ages are small');
select set_eq('select report from api.report_staleness', $$ select m.matviewname::text from pg_matviews as m where m.schemaname = 'inventory' union all select 'stock_summary' $$, 'each report and the summaries have a row');
update inventory.report_refresh set refreshed_at = now() - interval '1 hour', next_transaction = 1;
select is((select count(*) from api.report_staleness where age_seconds between 3600 and 3660), 6::bigint, 'the age is the time since the refresh');
select * from api.refresh_reports('report_abc');
select results_eq('select report from api.report_staleness where age_seconds < 3600 order by report', array['report_abc', 'stock_summary'], 'one report by its name');
select results_eq($$ select r.refreshed from api.refresh_reports(report => 'report_abc') as r $$, array['report_abc'], 'the answer names it');
select throws_ok($$ select * from api.refresh_reports('report_none') $$, 'IV008', null, 'an unknown report is refused');
select throws_ok($$ select * from api.refresh_reports('stock_summary') $$, 'IV008', null, 'what is no report too');

-- A report without contents, as from a dump without data.
set local role onhand_owner;
refresh materialized view inventory.report_abc with no data;
reset role;
select throws_ok('select * from api.report_abc', '55000', null, 'a report without contents cannot be read');
select * from api.refresh_reports('report_abc');
select is((select count(*) from api.report_abc), 1::bigint, 'a refresh fills it');

-- How stale the summaries are: the oldest movement that is not in them.
select count(*) from api.fold_stock_summary();
update inventory.stock_summary_fold set next_transaction = pg_current_xact_id()::text::bigint + 1, open_transactions = '{}';
select is(pg_temp.stale('stock_summary'), '0 t', 'everything is in');
select is((select age_seconds from api.report_staleness where report = 'stock_summary'), 0::double precision, 'then they are not stale at all');
update inventory.stock_summary_fold set open_transactions = array[pg_current_xact_id()::text::bigint];
select is(pg_temp.stale('stock_summary'), '1 t', 'what was open at the last fold counts');
insert into inventory.stock_movement (item_id, location_id, version, type, on_hand, reserved, in_transit, backordered, damaged, available, source, occurred_at, recorded_at)
select id, 'W1', 2, 'policy', 10, 0, 0, 0, 0, 10, 'test', now() - interval '1 year', clock_timestamp() - interval '2 seconds' from inventory.item where sku = 'A';
select ok((select age_seconds between 2 and 60 from api.report_staleness where report = 'stock_summary'), 'the age is that of the oldest recorded movement');
update inventory.stock_summary_fold set rebuilt_to = '00000000-0000-0000-0000-000000000000', rebuild_started_at = clock_timestamp() - interval '100 seconds';
select ok((select age_seconds between 100 and 160 from api.report_staleness where report = 'stock_summary'), 'while all are made anew the age is that of the start');

-- The api role, and readers.
set local role onhand_api;
select is((select count(*) from api.refresh_reports()), 6::bigint, 'the api role refreshes');
reset role;
set local role onhand_reader;
select lives_ok($$ select * from api.report_staleness, api.report_abc, api.report_turnover, api.report_ageing, api.report_days_of_cover, api.report_dead_stock, api.mv_stock_summary, api.stock_summary $$,
    'a reader reads them all');
reset role;
select * from finish();
rollback;
