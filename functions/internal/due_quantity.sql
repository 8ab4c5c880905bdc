-- What pending holds past their deadline still keep on a key: reserved of the stock, backordered of the queue for it.
create or replace function internal.due_quantity(item_id uuid, location_id text, instant timestamptz)
returns internal.deltas
language sql
stable
set search_path = ''
as $$
    select null::bigint, coalesce(sum(r.quantity - r.backordered), 0)::bigint, null::bigint, coalesce(sum(r.backordered), 0)::bigint,
        null::bigint, null::bigint
    from inventory.reservation_line as r
    where r.item_id = due_quantity.item_id and r.location_id = due_quantity.location_id
        and r.status = 'PENDING' and r.expires_at <= instant
$$;

comment on function internal.due_quantity(uuid, text, timestamptz) is 'What pending holds past their deadline still keep on a key.';
