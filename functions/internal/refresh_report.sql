-- Refreshes one report and takes note of it. Readers go on reading meanwhile, unless it never had contents (a restored dump without data).
create or replace function internal.refresh_report(report text)
returns interval
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_started constant timestamptz := clock_timestamp();
    v_next constant bigint := pg_snapshot_xmax(pg_current_snapshot())::text::bigint;
    v_populated constant boolean := (select m.ispopulated from pg_catalog.pg_matviews as m
        where m.schemaname = 'inventory' and m.matviewname = report);
begin
    execute format('refresh materialized view %s inventory.%I', case when v_populated then 'concurrently' else '' end, report);
    insert into inventory.report_refresh as r (report, refreshed_at, refreshed_by, duration, next_transaction)
    values (refresh_report.report, v_started, session_user, clock_timestamp() - v_started, v_next)
    on conflict on constraint report_refresh_pkey do update
    set refreshed_at = excluded.refreshed_at, refreshed_by = excluded.refreshed_by, duration = excluded.duration,
        next_transaction = excluded.next_transaction;
    return clock_timestamp() - v_started;
end
$$;

comment on function internal.refresh_report(text) is 'Refreshes one report and takes note of it.';
