-- A stock level as it stands in answers.
create or replace function internal.level_json(level inventory.stock_level, sku text)
returns jsonb
language sql
immutable
set search_path = ''
as $$
    select jsonb_build_object('sku', sku, 'item_id', level.item_id, 'location', level.location_id, 'on_hand', level.on_hand,
        'reserved', level.reserved, 'available', level.available, 'in_transit', level.in_transit,
        'backordered', level.backordered, 'damaged', level.damaged, 'incoming', level.incoming, 'status', level.status,
        'version', level.version)
$$;

comment on function internal.level_json(inventory.stock_level, text) is 'A stock level as it stands in answers.';
