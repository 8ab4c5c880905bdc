-- What of a tracked item was not sellable any more at an instant in the past, because its lot had ended by then, though that was written only
-- later: free units of such lots at the version of then, and what holds that had run out kept of them. Never more than was available.
create or replace function internal.due_lots_then(item_id uuid, location_id text, version bigint, instant timestamptz,
    available bigint)
returns bigint
language sql
stable
set search_path = ''
as $$
    with ended as materialized (
        select t.id from inventory.lot as t where t.item_id = due_lots_then.item_id and least(t.expires_at, t.recalled_at) <= instant
    ), part as (
        -- Of today, less what has changed since.
        select l.on_hand - l.reserved as quantity
        from inventory.lot_level as l
        where l.item_id = due_lots_then.item_id and l.location_id = due_lots_then.location_id
            and l.lot_id in (select e.id from ended as e)
        union all
        select m.reserved_delta - m.on_hand_delta
        from inventory.lot_movement as m
        where m.item_id = due_lots_then.item_id and m.location_id = due_lots_then.location_id and m.version > due_lots_then.version
            and m.lot_id in (select e.id from ended as e)
        union all
        select -l.reserved_delta
        from inventory.stock_movement as m
        join inventory.reservation_line as r
            on r.reservation_id = m.reservation_id and r.item_id = m.item_id and r.location_id = m.location_id
        join inventory.lot_movement as l on l.item_id = m.item_id and l.location_id = m.location_id and l.version = m.version
        where m.item_id = due_lots_then.item_id and m.location_id = due_lots_then.location_id and m.type = 'expire'
            and m.recorded_at > instant and r.expires_at <= instant and l.lot_id in (select e.id from ended as e)
        union all
        select h.quantity
        from inventory.reservation_line as r
        join inventory.reservation_lot as h
            on h.reservation_id = r.reservation_id and h.item_id = r.item_id and h.location_id = r.location_id
        where r.item_id = due_lots_then.item_id and r.location_id = due_lots_then.location_id and r.status = 'PENDING'
            and r.expires_at <= instant and h.lot_id in (select e.id from ended as e)
    )
    select greatest(least(coalesce(sum(p.quantity), 0)::bigint, due_lots_then.available), 0) from part as p
$$;

comment on function internal.due_lots_then(uuid, text, bigint, timestamptz, bigint) is 'What was not sellable any more at an instant in the past because its lot had ended.';
