-- Brings the summaries of these items up to what stock_level holds now; returns how many changed. Only a fold calls it, one at a time.
-- A summary that would stay as it is keeps its version, so that read models hear of changes alone. One that changes is written in full: a
-- large column that was left as it was would reach them as a placeholder (f17).
create or replace function internal.write_summaries(items uuid[])
returns bigint
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_floor constant bigint := internal.version_floor();
    v_changed bigint;
begin
    insert into inventory.stock_summary as t (item_id, sku, on_hand, reserved, available, in_transit, backordered, damaged, incoming,
        oversold, threshold, status, location_count, by_location, by_location_type, version, updated_at)
    select n.item_id, n.sku, n.on_hand, n.reserved, n.available, n.in_transit, n.backordered, n.damaged, n.incoming, n.oversold,
        n.threshold, n.status, n.location_count, n.by_location, n.by_location_type, greatest(1, v_floor), clock_timestamp()
    from internal.summaries_of(items) as n
    on conflict (item_id) do update
    set sku = excluded.sku, on_hand = excluded.on_hand, reserved = excluded.reserved, available = excluded.available,
        in_transit = excluded.in_transit, backordered = excluded.backordered, damaged = excluded.damaged, incoming = excluded.incoming,
        oversold = excluded.oversold, threshold = excluded.threshold, status = excluded.status,
        location_count = excluded.location_count, by_location = excluded.by_location, by_location_type = excluded.by_location_type,
        version = greatest(t.version + 1, v_floor), updated_at = excluded.updated_at
    where (t.by_location, t.by_location_type, t.threshold, t.status, t.sku) is distinct from
        (excluded.by_location, excluded.by_location_type, excluded.threshold, excluded.status, excluded.sku);
    get diagnostics v_changed = row_count;
    return v_changed;
end
$$;

comment on function internal.write_summaries(uuid[]) is 'Brings the summaries of these items up to what stock_level holds now; returns how many changed.';
