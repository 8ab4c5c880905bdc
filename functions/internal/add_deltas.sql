-- A stock_level with its states changed by deltas, and what follows from them.
create or replace function internal.add_deltas(level inventory.stock_level, deltas internal.deltas)
returns inventory.stock_level
language plpgsql
immutable
set search_path = ''
as $$
begin
    level.on_hand := level.on_hand + coalesce(deltas.on_hand, 0);
    level.reserved := level.reserved + coalesce(deltas.reserved, 0);
    level.in_transit := level.in_transit + coalesce(deltas.in_transit, 0);
    level.backordered := level.backordered + coalesce(deltas.backordered, 0);
    level.damaged := level.damaged + coalesce(deltas.damaged, 0);
    level.incoming := level.incoming + coalesce(deltas.incoming, 0);
    level.available := level.on_hand - level.reserved;
    level.status := internal.level_status(level.policy, level.available, greatest(level.safety_stock, level.reorder_point));
    return level;
end
$$;

comment on function internal.add_deltas(inventory.stock_level, internal.deltas) is 'A stock_level with its states changed by deltas.';
