-- What there is and will be of an item at a place, less what is promised already: available + incoming + in transit - backordered. Holds that are
-- due count as released, lots that have ended as not sellable (as api.get_stock_level does).
create or replace function internal.inventory_position(level inventory.stock_level, instant timestamptz)
returns bigint
language plpgsql
stable
set search_path = ''
as $$
declare
    v_position constant bigint := level.available + level.incoming + level.in_transit - level.backordered;
    v_due internal.deltas;
begin
    if level.next_hold_at is null or level.next_hold_at > instant then
        return v_position;
    end if;
    v_due := internal.due_quantity(level.item_id, level.location_id, instant);
    return v_position + v_due.reserved + v_due.backordered
        - coalesce(internal.due_lot_quantity(level.item_id, level.location_id, instant), 0);
end
$$;

comment on function internal.inventory_position(inventory.stock_level, timestamptz) is 'What there is and will be of an item at a place, less what is promised.';
