-- The keys that the lines of a command name, bundles taken apart; all locations of an item where a strategy chooses; and what the owner holds
-- already, where the command reserves in place of that.
create or replace function internal.line_keys(command internal.command)
returns table (item_id uuid, location_id text)
language sql
stable
rows 5
set search_path = ''
as $$
    select p.part_id, o.id
    from internal.command_lines(command.body) as l
    join inventory.item as i on i.sku = l.line ->> 'sku'
    cross join lateral internal.bundle_parts(i.id) as p
    cross join lateral (values (l.line ->> 'location'), (command.body ->> 'from'), (command.body ->> 'to')) as w (id)
    join inventory.location as o on o.id = w.id
    union
    select p.part_id, s.location_id
    from internal.command_lines(command.body) as l
    join inventory.item as i on i.sku = l.line ->> 'sku'
    cross join lateral internal.bundle_parts(i.id) as p
    join inventory.stock_level as s on s.item_id = p.part_id
    where command.body ? 'strategy'
    union
    select l.item_id, l.location_id
    from inventory.reservation as r
    join inventory.reservation_line as l on l.reservation_id = r.id and internal.is_open(l.status)
    where command.body ? 'replace' and r.owner = command.owner and r.status = 'PENDING'
$$;

comment on function internal.line_keys(internal.command) is 'The keys that the lines of a command name.';
