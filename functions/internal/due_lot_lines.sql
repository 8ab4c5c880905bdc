-- The keys where something is free of lots that have ended, the longest overdue first, as lines for internal.lock_levels; null if there are none.
create or replace function internal.due_lot_lines(instant timestamptz, max_count integer)
returns internal.line[]
language sql
stable
set search_path = ''
as $$
    select array_agg(jsonb_populate_record(null::internal.line, jsonb_build_object('item_id', k.item_id, 'location_id', k.location_id)))
    from (
        select l.item_id, l.location_id
        from inventory.lot_level as l
        join inventory.stock_level as s on s.item_id = l.item_id and s.location_id = l.location_id
        where l.ends_at <= instant and l.on_hand > l.reserved and s.available > 0
        group by l.item_id, l.location_id
        order by min(l.ends_at)
        limit max_count
    ) as k
$$;

comment on function internal.due_lot_lines(timestamptz, integer) is 'The keys where something is free of lots that have ended.';
