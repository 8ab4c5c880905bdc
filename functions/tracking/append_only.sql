-- The history of lots and serial numbers is as append-only as the ledger it belongs to.
create or replace trigger lot_movement_append_only
    before update or delete on inventory.lot_movement
    for each row execute function internal.refuse_change();
create or replace trigger lot_movement_no_truncate
    before truncate on inventory.lot_movement
    for each statement execute function internal.refuse_change();
create or replace trigger serial_movement_append_only
    before update or delete on inventory.serial_movement
    for each row execute function internal.refuse_change();
create or replace trigger serial_movement_no_truncate
    before truncate on inventory.serial_movement
    for each statement execute function internal.refuse_change();
