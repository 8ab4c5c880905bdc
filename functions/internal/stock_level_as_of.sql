-- Balances at an instant in the past: the last ledger row of each key recorded until then, less the holds that had run out by then
-- but were written off only later. Settings (safety stock, reorder point, policy) are those of today.
create or replace function internal.stock_level_as_of(sku text, location text, instant timestamptz)
returns setof api.stock_state
language sql
stable
set search_path = ''
as $$
    select i.sku, m.item_id, m.location_id, m.on_hand, m.reserved - d.due, m.available + d.due, m.in_transit, m.backordered,
        m.damaged, s.safety_stock, s.reorder_point, s.policy,
        internal.stock_status(m.available + d.due, greatest(s.safety_stock, s.reorder_point)),
        m.version, null::timestamptz, m.recorded_at, m.incoming
    from inventory.item as i
    join inventory.stock_level as s on s.item_id = i.id
    cross join lateral (
        select h.*
        from inventory.stock_movement as h
        where h.item_id = s.item_id and h.location_id = s.location_id and h.recorded_at <= instant
        order by h.version desc
        limit 1
    ) as m
    cross join lateral (
        select coalesce(sum(r.quantity), 0)::bigint as due
        from inventory.reservation_line as r
        join inventory.reservation as v on v.id = r.reservation_id
        where r.item_id = s.item_id and r.location_id = s.location_id and r.expires_at <= instant and v.created_at <= instant
            and not exists (
                select from inventory.stock_movement as c
                where c.item_id = r.item_id and c.location_id = r.location_id and c.reservation_id = r.reservation_id
                    and c.type in ('commit', 'release', 'expire') and c.recorded_at <= instant)
    ) as d
    where i.sku = stock_level_as_of.sku
        and (stock_level_as_of.location is null or s.location_id = stock_level_as_of.location)
    order by m.location_id
$$;

comment on function internal.stock_level_as_of(text, text, timestamptz) is 'Balances at an instant in the past, from the ledger.';
