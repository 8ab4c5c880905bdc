-- For the consumer of alerts: keys of the levels that were judged, of an item, a location, both, or all, in key order after this one.
-- Errors: IV008 if max_rows is not 1 to 1000. Locks nothing. Security definer because only readers have a right on the tables.
create or replace function api.list_alert_levels(of_item uuid default null, at_location text default null, after_item uuid default null,
    after_location text default null, max_rows integer default 1000)
returns table (item_id uuid, location text)
language plpgsql
stable
security definer
rows 1000
set search_path = ''
as $$
begin
    perform internal.check_max_rows(max_rows);
    return query
    select l.item_id, l.location_id collate "default"
    from inventory.alert_level as l
    where (of_item is null or l.item_id = of_item)
        and (at_location is null or l.location_id = at_location)
        and (after_item is null or (l.item_id, l.location_id) > (after_item, after_location collate "C"))
    order by l.item_id, l.location_id
    limit max_rows;
end
$$;

revoke execute on function api.list_alert_levels(uuid, text, uuid, text, integer) from public;
grant execute on function api.list_alert_levels(uuid, text, uuid, text, integer) to onhand_alerts;
comment on function api.list_alert_levels(uuid, text, uuid, text, integer) is 'Keys of the levels whose alerts were judged.';
