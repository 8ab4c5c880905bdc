-- Edges of alerts (opened, resolved; established = all that was open when alerting began), newest first, of one alert or all. Page on with
-- before => the id of the last row. Errors: IV008 if max_rows is not 1 to 1000. Locks nothing.
-- Security definer because callers of api have no right on the tables.
create or replace function api.get_alert_history(fingerprint text default null, max_rows integer default 100, before bigint default null)
returns setof api.alert_edge
language plpgsql
stable
security definer
rows 100
set search_path = ''
as $$
begin
    perform internal.check_max_rows(max_rows);
    return query
    select e.id, e.recorded_at, e.event, e.fingerprint collate "default", e.kind, e.severity, e.payload
    from inventory.alert_event as e
    where (get_alert_history.fingerprint is null or e.fingerprint = get_alert_history.fingerprint)
        and e.id < coalesce(before, 9223372036854775807)
    order by e.id desc
    limit max_rows;
end
$$;

revoke execute on function api.get_alert_history(text, integer, bigint) from public;
grant execute on function api.get_alert_history(text, integer, bigint) to onhand_api, onhand_reader;
comment on function api.get_alert_history(text, integer, bigint) is 'Edges of alerts, newest first.';
