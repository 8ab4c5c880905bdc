-- What holds that had run out by an instant in the past still kept on a key, because they were written off only later: those written off
-- since then, and those that still are to be. by_occurrence: a write-off that says itself that it happened by then is left out.
create or replace function internal.due_quantity_then(item_id uuid, location_id text, instant timestamptz,
    by_occurrence boolean, out reserved bigint, out backordered bigint)
language sql
stable
set search_path = ''
as $$
    select coalesce(sum(d.reserved), 0)::bigint + p.reserved, coalesce(sum(d.backordered), 0)::bigint + p.backordered
    from internal.due_quantity(due_quantity_then.item_id, due_quantity_then.location_id, instant) as p
    left join lateral (
        select -m.reserved_delta as reserved, -m.backordered_delta as backordered
        from inventory.stock_movement as m
        join inventory.reservation_line as r
            on r.reservation_id = m.reservation_id and r.item_id = m.item_id and r.location_id = m.location_id
        where m.item_id = due_quantity_then.item_id and m.location_id = due_quantity_then.location_id and m.type = 'expire'
            and m.recorded_at > instant and r.expires_at <= instant and not (by_occurrence and m.occurred_at <= instant)
    ) as d on true
    group by p.reserved, p.backordered
$$;

comment on function internal.due_quantity_then(uuid, text, timestamptz, boolean) is 'What holds that had run out by an instant in the past still kept on a key.';
