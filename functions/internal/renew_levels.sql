-- Lifts stock levels below this version to it, with a ledger row each that changes nothing but the version. Returns how many.
create or replace function internal.renew_levels(version_floor bigint, max_rows bigint)
returns bigint
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_now constant timestamptz := clock_timestamp();
    v_rows bigint;
begin
    perform internal.ensure_movement_partition(v_now);
    with locked as (
        select s.item_id, s.location_id
        from inventory.stock_level as s
        where s.version < version_floor
        order by s.item_id, s.location_id
        limit max_rows
        for no key update of s
    ), lifted as (
        update inventory.stock_level as s
        set version = version_floor, last_movement_at = v_now
        from locked as l
        where s.item_id = l.item_id and s.location_id = l.location_id
        returning s.*
    )
    insert into inventory.stock_movement (item_id, location_id, version, type, on_hand, reserved, in_transit, backordered, damaged,
        incoming, available, reason, source, occurred_at, recorded_at, detail)
    select l.item_id, l.location_id, l.version, 'policy', l.on_hand, l.reserved, l.in_transit, l.backordered, l.damaged, l.incoming,
        l.available, 'new epoch', 'recover', v_now, v_now, s.settings || jsonb_build_object('before', s.settings)
    from lifted as l
    cross join lateral (select jsonb_build_object('safety_stock', l.safety_stock, 'reorder_point', l.reorder_point, 'policy', l.policy)
        as settings) as s;
    get diagnostics v_rows = row_count;
    return v_rows;
end
$$;

comment on function internal.renew_levels(bigint, bigint) is 'Lifts stock levels below this version to it, with a ledger row each.';
