-- A locked stock_level, or for a key that has none the one that would be made: version 0, the policy of its item or location.
create or replace function internal.level_or_empty(item_id uuid, location_id text, instant timestamptz)
returns inventory.stock_level
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_level inventory.stock_level;
begin
    select s.* into v_level
    from inventory.stock_level as s
    where s.item_id = level_or_empty.item_id and s.location_id = level_or_empty.location_id
    for no key update of s;
    if not found then
        v_level := jsonb_populate_record(null::inventory.stock_level, jsonb_build_object(
            'item_id', item_id, 'location_id', location_id, 'on_hand', 0, 'reserved', 0, 'in_transit', 0, 'backordered', 0,
            'damaged', 0, 'incoming', 0, 'safety_stock', 0, 'reorder_point', 0, 'available', 0, 'version', 0,
            'policy', internal.default_policy(item_id, location_id), 'created_at', instant));
    end if;
    return v_level;
end
$$;

comment on function internal.level_or_empty(uuid, text, timestamptz) is 'A locked stock_level, or the empty one of a key that has none.';
