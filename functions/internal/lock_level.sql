-- Locks one stock_level row and returns it; null if there is none. The same as internal.lock_levels, for one key.
create or replace function internal.lock_level(item_id uuid, location_id text)
returns internal.level
language sql
volatile
as $$
    select row(1, s.item_id, s.location_id, s.on_hand, s.reserved, s.in_transit, s.backordered, s.damaged,
        greatest(s.safety_stock, s.reorder_point), s.policy = 'oversell', s.version,
        greatest(s.version + 1, internal.version_floor()), s.next_hold_at, true, s.incoming,
        s.policy in ('backorder', 'unlimited') or s.backordered > 0)::internal.level
    from inventory.stock_level as s
    where s.item_id = lock_level.item_id and s.location_id = lock_level.location_id
    for no key update of s
$$;

comment on function internal.lock_level(uuid, text) is 'Locks one stock_level row and returns it; null if there is none.';
