-- What is captured. One topic for each table: partitions of the ledger are published as their root.
set local role onhand_owner;

create publication onhand_publication for table
    inventory.category,
    inventory.item,
    inventory.location,
    inventory.stock_level,
    inventory.reservation,
    inventory.reservation_line,
    inventory.stock_movement,
    inventory.debezium_heartbeat,
    inventory.debezium_signal
    with (publish_via_partition_root = true);

grant select on inventory.category, inventory.item, inventory.location, inventory.stock_level,
    inventory.reservation, inventory.reservation_line, inventory.stock_movement,
    inventory.debezium_heartbeat, inventory.debezium_signal to onhand_cdc;
-- The heartbeat query and the snapshot watermarks are the only rows the connector writes.
grant update on inventory.debezium_heartbeat to onhand_cdc;
grant insert, delete on inventory.debezium_signal to onhand_cdc;

grant select on all tables in schema inventory to onhand_reader;
revoke select on inventory.idempotency_key from onhand_reader;

reset role;
