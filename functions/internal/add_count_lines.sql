-- Adds items to a count as lines that are to be counted: of items with lots one for each lot that lies there.
create or replace function internal.add_count_lines(id uuid, location_id text, items uuid[])
returns void
language sql
volatile
set search_path = ''
as $$
    insert into inventory.stock_count_line (stock_count_id, item_id, lot)
    select add_count_lines.id, n.item_id, ''
    from unnest(items) as n (item_id)
    join inventory.item as i on i.id = n.item_id and i.tracking <> 'lot'
    union all
    select add_count_lines.id, v.item_id, o.code
    from unnest(items) as n (item_id)
    join inventory.lot_level as v on v.item_id = n.item_id and v.location_id = add_count_lines.location_id and v.on_hand <> 0
    join inventory.lot as o on o.id = v.lot_id
$$;

comment on function internal.add_count_lines(uuid, text, uuid[]) is 'Adds items to a count as lines that are to be counted.';
