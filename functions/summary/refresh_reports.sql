-- Refreshes the reports (the materialized views of schema inventory), all or the one that is named, while readers go on reading. One row
-- for each: its name and how long it took. No row: another session is refreshing. One report in each call keeps transactions short.
-- Errors: IV008 if there is no such report. Locks no stock; safe to call from several sessions and by pg_cron.
-- Security definer because only the owner refreshes.
create or replace function api.refresh_reports(report text default null)
returns table (refreshed text, duration interval)
language plpgsql
volatile
security definer
rows 6
set search_path = ''
as $$
declare
    v_reports constant name[] := array(select m.matviewname from pg_catalog.pg_matviews as m
        where m.schemaname = 'inventory' and m.matviewname = coalesce(refresh_reports.report, m.matviewname) order by m.matviewname);
begin
    if cardinality(v_reports) = 0 then
        perform internal.raise_error('IV008', internal.problem('report', 'must be the name of a report'));
    end if;
    if not pg_try_advisory_xact_lock(hashtext('onhand.reports')) then
        return;
    end if;
    foreach refreshed in array v_reports loop
        duration := internal.refresh_report(refreshed);
        return next;
    end loop;
end
$$;

revoke execute on function api.refresh_reports(text) from public;
grant execute on function api.refresh_reports(text) to onhand_api, onhand_operator;
comment on function api.refresh_reports(text) is 'Refreshes the reports, all or the one that is named; one row for each.';
