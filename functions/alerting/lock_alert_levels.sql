-- For the consumer of alerts: locks what the alerts of these stock levels were judged by last, and answers it; makes rows that are
-- missing (version 0). The two arrays belong together, at most 1,000 pairs. Locks inventory.alert_level in key order.
-- Errors: IV013. Security definer because only the owner writes tables.
create or replace function api.lock_alert_levels(item_ids uuid[], location_ids text[])
returns setof api.locked_alert_level
language plpgsql
volatile
security definer
rows 1000
set search_path = ''
as $$
begin
    if cardinality(item_ids) > 1000 or cardinality(location_ids) > 1000 then
        perform internal.raise_error('IV013', jsonb_build_object('entries', greatest(cardinality(item_ids), cardinality(location_ids))));
    end if;
    insert into inventory.alert_level (item_id, location_id)
    select k.item_id, k.location_id
    from unnest(item_ids, location_ids) as k (item_id, location_id)
    where not exists (
        select from inventory.alert_level as l where l.item_id = k.item_id and l.location_id = k.location_id)
    order by k.item_id, k.location_id collate "C"
    on conflict on constraint alert_level_pkey do nothing;
    return query
    with key as materialized (
        select distinct k.item_id, k.location_id collate "C" as location_id
        from unnest(item_ids, location_ids) as k (item_id, location_id)
        order by k.item_id, k.location_id collate "C"
    ), locked as materialized (
        -- Locked one by one, in the order of the keys; see internal.lock_levels.
        select l.*
        from key as k
        cross join lateral (
            select l.*
            from inventory.alert_level as l
            where l.item_id = k.item_id and l.location_id = k.location_id
            for no key update of l
        ) as l
    )
    select l.item_id, l.location_id collate "default", i.sku collate "default", coalesce(i.status = 'archived', false), l.version,
        l.available, l.safety_stock, l.reorder_point, l.unlimited, l.stocked, l.open_kinds
    from locked as l
    left join inventory.item as i on i.id = l.item_id;
end
$$;

revoke execute on function api.lock_alert_levels(uuid[], text[]) from public;
grant execute on function api.lock_alert_levels(uuid[], text[]) to onhand_alerts;
comment on function api.lock_alert_levels(uuid[], text[]) is 'Locks what the alerts of these stock levels were judged by last.';
