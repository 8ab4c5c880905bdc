-- Whether any state of an item is not zero somewhere.
create or replace function internal.has_stock(item_id uuid)
returns boolean
language sql
stable
set search_path = ''
as $$
    select exists (
        select from inventory.stock_level as s
        where s.item_id = has_stock.item_id
            and (s.on_hand, s.reserved, s.in_transit, s.backordered, s.damaged, s.incoming) <> (0, 0, 0, 0, 0, 0))
$$;

comment on function internal.has_stock(uuid) is 'Whether any state of an item is not zero somewhere.';
