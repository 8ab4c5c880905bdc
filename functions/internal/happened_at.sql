-- When what a movement of a serial number tells of happened: as its row of the ledger says, never after it was recorded; when it was recorded, where
-- the ledger of that time was retired.
create or replace function internal.happened_at(movement inventory.serial_movement)
returns timestamptz
language sql
stable
set search_path = ''
as $$
    select least((
        select m.occurred_at
        from inventory.stock_movement as m
        where m.item_id = movement.item_id and m.location_id = movement.location_id and m.version = movement.version
            and m.recorded_at = movement.recorded_at), movement.recorded_at)
$$;

comment on function internal.happened_at(inventory.serial_movement) is 'When what a movement of a serial number tells of happened.';
