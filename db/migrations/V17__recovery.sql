-- More tables for the topics of those who analyse: what was bought, sent, counted, put together and tracked; and the right to make the
-- replication slot anew after it was lost. Takes a short lock on each table. A connector that runs already begins with their next change;
-- `onhand connect backfill --table <name>` brings what is there.
set local role onhand_owner;

alter publication onhand_publication add table
    inventory.item_unit,
    inventory.bundle_component,
    inventory.reason_code,
    inventory.transfer,
    inventory.transfer_line,
    inventory.transfer_lot,
    inventory.lot,
    inventory.lot_level,
    inventory.lot_movement,
    inventory.reservation_lot,
    inventory.serial,
    inventory.serial_movement,
    inventory.supplier,
    inventory.item_supplier,
    inventory.purchase_order,
    inventory.purchase_order_line,
    inventory.stock_count,
    inventory.stock_count_line;

grant select on inventory.item_unit, inventory.bundle_component, inventory.reason_code, inventory.transfer, inventory.transfer_line,
    inventory.transfer_lot, inventory.lot, inventory.lot_level, inventory.lot_movement, inventory.reservation_lot, inventory.serial,
    inventory.serial_movement, inventory.supplier, inventory.item_supplier, inventory.purchase_order, inventory.purchase_order_line,
    inventory.stock_count, inventory.stock_count_line to onhand_cdc;

-- Small, and with columns wide enough to be stored apart: an update that leaves those alone must carry them all the same (f17). Rows of
-- the first three are also deleted, and who hears of that needs more than the key. The others are hot or have nothing wide.
alter table inventory.item_unit replica identity full;
alter table inventory.bundle_component replica identity full;
alter table inventory.item_supplier replica identity full;
alter table inventory.supplier replica identity full;
alter table inventory.lot replica identity full;
alter table inventory.stock_count_line replica identity full;

reset role;

-- Functions of the owner make and drop the slot of the connector (api.ensure_replication_slot); its role logs in nowhere.
alter role onhand_owner replication;
