-- For the consumer of alerts, in the transaction of api.lock_alert_levels: what the levels were judged by now, and the edges that this
-- made, in their order. A level that has this version or a newer one already keeps its numbers; re-judging (the same version under other
-- rules) changes open_kinds alone. quiet: nobody is told (see api.establish_alerts). Writes rows that the caller has locked.
-- Errors: IV013. Security definer because only the owner writes tables.
create or replace function api.record_alert_levels(levels jsonb, edges jsonb, receivers jsonb default '[]', quiet boolean default false)
returns void
language plpgsql
volatile
security definer
set search_path = ''
as $$
begin
    if jsonb_array_length(levels) > 1000 then
        perform internal.raise_error('IV013', jsonb_build_object('entries', jsonb_array_length(levels)));
    end if;
    update inventory.alert_level as l
    set version = n.version, available = n.available, safety_stock = n.safety_stock, reorder_point = n.reorder_point,
        unlimited = n.unlimited, stocked = n.stocked, open_kinds = n.open_kinds
    from jsonb_to_recordset(levels) as n (item_id uuid, location text, version bigint, available bigint, safety_stock bigint,
        reorder_point bigint, unlimited boolean, stocked boolean, open_kinds text[])
    where l.item_id = n.item_id and l.location_id = n.location and n.version >= l.version;
    perform internal.record_edges(edges, receivers, quiet);
end
$$;

revoke execute on function api.record_alert_levels(jsonb, jsonb, jsonb, boolean) from public;
grant execute on function api.record_alert_levels(jsonb, jsonb, jsonb, boolean) to onhand_alerts;
comment on function api.record_alert_levels(jsonb, jsonb, jsonb, boolean) is 'Records what the alerts of stock levels were judged by, and the edges this made.';
