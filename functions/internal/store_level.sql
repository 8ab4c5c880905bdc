-- Writes a changed stock_level back. Raises 40001 if it was missing and another session made it first; the batch is then decided again.
create or replace function internal.store_level(level inventory.stock_level, missing boolean)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
    if not missing then
        update inventory.stock_level as s
        set on_hand = level.on_hand, reserved = level.reserved, in_transit = level.in_transit, backordered = level.backordered,
            damaged = level.damaged, incoming = level.incoming, available = level.available, status = level.status,
            version = level.version, last_movement_at = level.last_movement_at, next_hold_at = level.next_hold_at
        where s.item_id = level.item_id and s.location_id = level.location_id;
        return;
    end if;
    insert into inventory.stock_level select level.* on conflict (item_id, location_id) do nothing;
    if not found then
        raise exception 'another session made the stock level first' using errcode = '40001';
    end if;
end
$$;

comment on function internal.store_level(inventory.stock_level, boolean) is 'Writes a changed stock_level back.';
