-- The keys that a command on a purchase order may touch: what it orders, or of what was ordered that which it names (all, if it names nothing).
-- The lines of an order never change once it is placed, so that they may be read before anything is locked.
create or replace function internal.order_keys(command internal.command)
returns table (item_id uuid, location_id text)
language sql
stable
rows 5
set search_path = ''
as $$
    select i.id, l.id
    from jsonb_array_elements(command.body -> 'lines') as g (line)
    join inventory.item as i on i.sku = g.line ->> 'sku'
    join inventory.location as l on l.id = command.body ->> 'location'
    where command.op = 'order'
    union
    select l.item_id, o.location_id
    from inventory.purchase_order as o
    join inventory.purchase_order_line as l on l.purchase_order_id = o.id
    join inventory.item as i on i.id = l.item_id
    where command.op <> 'order' and o.id = (command.body ->> 'purchase_order_id')::uuid
        and (not command.body ? 'lines'
            or i.sku in (select g.line ->> 'sku' from jsonb_array_elements(command.body -> 'lines') as g (line)))
$$;

comment on function internal.order_keys(internal.command) is 'The keys that a command on a purchase order may touch.';
