-- The serial numbers of an item that were in stock at a place at an instant, by what has been reported until now: of the units that are there, or
-- that something has happened to there since. version: of the level at that instant.
create or replace function internal.serials_then(item_id uuid, location_id text, instant timestamptz, version bigint)
returns table (serial text)
language sql
stable
rows 20
set search_path = ''
as $$
    select s.serial
    from (
        select u.serial
        from inventory.serial as u
        where u.item_id = serials_then.item_id and u.location_id = serials_then.location_id and u.status = 'in_stock'
        union
        select h.serial
        from inventory.serial_movement as h
        where h.item_id = serials_then.item_id and h.location_id = serials_then.location_id and h.version > serials_then.version
    ) as s
    cross join lateral (
        select h.status, h.location_id
        from inventory.serial_movement as h
        where h.item_id = serials_then.item_id and h.serial = s.serial and internal.happened_at(h) <= instant
        order by h.serial_version desc
        limit 1
    ) as l
    where l.status = 'in_stock' and l.location_id = serials_then.location_id
$$;

comment on function internal.serials_then(uuid, text, timestamptz, bigint) is 'The serial numbers of an item that were in stock at a place at an instant.';
