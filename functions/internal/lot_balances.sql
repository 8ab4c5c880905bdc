-- What lies of the lots of an item, by place, to the instant: holds past their deadline hold nothing, and what is free of a lot that has ended
-- is not on hand any more, whether or not somebody has written that yet.
create or replace function internal.lot_balances(item_id uuid, instant timestamptz)
returns table (lot_id uuid, location_id text, on_hand bigint, reserved bigint, damaged bigint)
language sql
stable
set search_path = ''
as $$
    select l.lot_id, l.location_id, l.on_hand - f.ended, l.reserved - h.due, l.damaged + f.ended
    from inventory.lot_level as l
    cross join lateral (
        select coalesce(sum(r.quantity), 0)::bigint as due
        from inventory.reservation_lot as r
        join inventory.reservation_line as v
            on v.reservation_id = r.reservation_id and v.item_id = r.item_id and v.location_id = r.location_id
        where r.item_id = l.item_id and r.location_id = l.location_id and r.lot_id = l.lot_id and r.quantity > 0
            and v.status = 'PENDING' and v.expires_at <= instant
    ) as h
    cross join lateral (select case when l.ends_at <= instant then l.on_hand - l.reserved + h.due else 0 end) as f (ended)
    where l.item_id = lot_balances.item_id
$$;

comment on function internal.lot_balances(uuid, timestamptz) is 'What lies of the lots of an item, by place, to the instant.';
