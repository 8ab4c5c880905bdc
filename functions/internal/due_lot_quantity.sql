-- What readers must not count as available at a place any more: free units of lots that have ended, and those that holds past their deadline still
-- keep of them (such holds count as released, internal.due_quantity). Never more than is available then.
create or replace function internal.due_lot_quantity(item_id uuid, location_id text, instant timestamptz)
returns bigint
language sql
stable
set search_path = ''
as $$
    select greatest(least(sum(l.on_hand - l.reserved + h.due)::bigint, max(s.available) + (
        select d.reserved from internal.due_quantity(due_lot_quantity.item_id, due_lot_quantity.location_id, instant) as d)), 0)
    from inventory.lot_level as l
    join inventory.stock_level as s on s.item_id = l.item_id and s.location_id = l.location_id
    cross join lateral (
        select coalesce(sum(r.quantity), 0)::bigint as due
        from inventory.reservation_lot as r
        join inventory.reservation_line as v
            on v.reservation_id = r.reservation_id and v.item_id = r.item_id and v.location_id = r.location_id
        where r.item_id = l.item_id and r.location_id = l.location_id and r.lot_id = l.lot_id and r.quantity > 0
            and v.status = 'PENDING' and v.expires_at <= instant
    ) as h
    where l.item_id = due_lot_quantity.item_id and l.location_id = due_lot_quantity.location_id and l.ends_at <= instant
$$;

comment on function internal.due_lot_quantity(uuid, text, timestamptz) is 'What readers must not count as available any more because its lot has ended.';
