-- Alerts as they are, in the order of their fingerprints: open ones (or with status => 'resolved' those that were, null: both), of one
-- kind, item or location. Page on with after => the fingerprint of the last row.
-- Errors: IV008 if max_rows is not 1 to 1000 or status is another. Locks nothing.
-- Security definer because callers of api have no right on the tables.
create or replace function api.get_alerts(status text default 'open', kind text default null, sku text default null,
    location text default null, max_rows integer default 100, after text default null)
returns setof api.alert_state
language plpgsql
stable
security definer
rows 100
set search_path = ''
as $$
begin
    perform internal.check_max_rows(max_rows);
    if status not in ('open', 'resolved') then
        perform internal.raise_error('IV008', internal.problem('status', 'must be open, resolved or null'));
    end if;
    return query
    select a.fingerprint collate "default", a.kind, a.status, a.severity, i.sku collate "default", a.item_id,
        a.location_id collate "default", a.reference, a.value, a.threshold, a.opened_at, a.resolved_at, a.version, a.detail
    from inventory.alert as a
    left join inventory.item as i on i.id = a.item_id
    where (get_alerts.status is null or a.status = get_alerts.status)
        and (get_alerts.kind is null or a.kind = get_alerts.kind)
        and (get_alerts.sku is null or i.sku = get_alerts.sku)
        and (get_alerts.location is null or a.location_id = get_alerts.location)
        and a.fingerprint > coalesce(after collate "C", '')
    order by a.fingerprint
    limit max_rows;
end
$$;

revoke execute on function api.get_alerts(text, text, text, text, integer, text) from public;
grant execute on function api.get_alerts(text, text, text, text, integer, text) to onhand_api, onhand_reader, onhand_alerts;
comment on function api.get_alerts(text, text, text, text, integer, text) is 'Alerts as they are: open, resolved, or both.';
