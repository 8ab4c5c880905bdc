-- The serial numbers of an item that were in stock at a place at an instant, by what has been reported until now.
create or replace function internal.serials_then(item_id uuid, location_id text, instant timestamptz)
returns table (serial text)
language sql
stable
rows 20
set search_path = ''
as $$
    select s.serial
    from (select distinct h.serial from inventory.serial_movement as h
        where h.item_id = serials_then.item_id and h.location_id = serials_then.location_id) as s
    cross join lateral (
        select h.status, h.location_id
        from inventory.serial_movement as h
        left join inventory.stock_movement as m on m.item_id = h.item_id and m.location_id = h.location_id and m.version = h.version
            and m.recorded_at = h.recorded_at and h.recorded_at > instant
        where h.item_id = serials_then.item_id and h.serial = s.serial
            and (h.recorded_at <= instant or m.occurred_at <= instant)
        order by h.serial_version desc
        limit 1
    ) as l
    where l.status = 'in_stock' and l.location_id = serials_then.location_id
$$;

comment on function internal.serials_then(uuid, text, timestamptz) is 'The serial numbers of an item that were in stock at a place at an instant.';
