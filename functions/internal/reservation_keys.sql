-- The keys of the pending lines of the reservation that a command names, and where it wants to have them moved.
create or replace function internal.reservation_keys(command internal.command)
returns table (item_id uuid, location_id text)
language sql
stable
rows 5
set search_path = ''
as $$
    select l.item_id, p.id
    from inventory.reservation_line as l
    cross join lateral (values (l.location_id), (command.body ->> 'to')) as p (id)
    join inventory.location as o on o.id = p.id
    where l.reservation_id = command.reservation_id and internal.is_open(l.status)
$$;

comment on function internal.reservation_keys(internal.command) is 'The keys of the reservation that a command names.';
