-- Makes the empty stock_level of a key that has none, with its first ledger row, so that the ledger has every version and its settings.
create or replace function internal.make_level(item_id uuid, location_id text, instant timestamptz)
returns void
language sql
volatile
set search_path = ''
as $$
    with made as (
        insert into inventory.stock_level (item_id, location_id, policy, status, version, last_movement_at, created_at)
        select make_level.item_id, make_level.location_id, p.policy, internal.level_status(p.policy, 0, 0),
            greatest(1, internal.version_floor()), instant, instant
        from internal.default_policy(make_level.item_id, make_level.location_id) as p (policy)
        on conflict (item_id, location_id) do nothing
        returning *
    )
    insert into inventory.stock_movement (item_id, location_id, version, type, on_hand, reserved, in_transit, backordered, damaged,
        available, reason, source, occurred_at, recorded_at, detail)
    select m.item_id, m.location_id, m.version, 'policy', 0, 0, 0, 0, 0, 0, 'stock level made', 'onhand', instant, instant,
        jsonb_build_object('safety_stock', m.safety_stock, 'reorder_point', m.reorder_point, 'policy', m.policy)
    from made as m
$$;

comment on function internal.make_level(uuid, text, timestamptz) is 'Makes the empty stock_level of a key that has none.';
