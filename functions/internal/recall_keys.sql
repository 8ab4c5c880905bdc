-- The places where something lies of the lot that a recall names.
create or replace function internal.recall_keys(command internal.command)
returns table (item_id uuid, location_id text)
language sql
stable
rows 5
set search_path = ''
as $$
    select v.item_id, v.location_id
    from inventory.item as i
    join inventory.lot as l on l.item_id = i.id and l.code = command.body ->> 'lot'
    join inventory.lot_level as v on v.lot_id = l.id
    where i.sku = command.body ->> 'sku' and (v.on_hand > 0 or v.damaged > 0)
$$;

comment on function internal.recall_keys(internal.command) is 'The places where something lies of the lot that a recall names.';
