-- Lots with expiry, and serial numbers: what the balances of tracked items consist of.
-- stock_level stays the balance; the tables here break it down, are written in the same transaction, and are guarded by the lock on
-- its row: whoever changes what lies at a place holds that place.
set local role onhand_owner;

create table inventory.lot (
    id uuid primary key default uuidv7(),
    item_id uuid not null references inventory.item (id),
    code text collate "C" not null,
    expires_at timestamptz,
    status text not null default 'active',
    recalled_at timestamptz,
    recall_reason text,
    received_at timestamptz not null default clock_timestamp(),
    metadata jsonb not null default '{}',
    version bigint not null,
    updated_at timestamptz not null default clock_timestamp(),
    constraint lot_code_unique unique (item_id, code),
    -- What refers to a lot says of which item, so that no row can mix the lots of two.
    constraint lot_of_item unique (item_id, id),
    constraint lot_code_form check (code ~ '^\S(.{0,62}\S)?$'),
    constraint lot_status_known check (status in ('active', 'recalled')),
    constraint lot_recalled_at_derived check ((status = 'recalled') = (recalled_at is not null)),
    constraint lot_recall_reason_length check (length(recall_reason) <= 500),
    constraint lot_metadata_object check (jsonb_typeof(metadata) = 'object'),
    constraint lot_version_range check (version between 1 and 9007199254740991)
);
comment on table inventory.lot is 'A batch of an item: what was made together expires together and is recalled together.';
comment on column inventory.lot.expires_at is 'From this instant on it is not sold; null = never. Given with the first receipt, and not changed later.';
comment on column inventory.lot.received_at is 'When it was received first; of lots that expire together the older one goes first.';

create table inventory.lot_level (
    item_id uuid not null,
    location_id text collate "C" not null,
    lot_id uuid not null,
    on_hand bigint not null default 0,
    reserved bigint not null default 0,
    damaged bigint not null default 0,
    ends_at timestamptz,
    version bigint not null,
    constraint lot_level_pkey primary key (item_id, location_id, lot_id),
    constraint lot_level_lot_fkey foreign key (item_id, lot_id) references inventory.lot (item_id, id),
    constraint lot_level_on_hand_not_negative check (on_hand >= 0),
    constraint lot_level_reserved_not_negative check (reserved >= 0),
    constraint lot_level_damaged_not_negative check (damaged >= 0),
    constraint lot_level_reserved_on_hand check (reserved <= on_hand)
) with (fillfactor = 70);
comment on table inventory.lot_level is 'What of a stock_level is of which lot. Of items with serial numbers: of those that have a lot, reserved only what a reservation named.';
comment on column inventory.lot_level.ends_at is 'When the lot is not sellable any more: the earlier of its expiry and its recall. A copy, so that what is due is found by an index.';
comment on column inventory.lot_level.version is 'Version of the stock_level whose change touched this row last.';
create index lot_level_lot on inventory.lot_level (lot_id);
create index lot_level_due on inventory.lot_level (ends_at) where on_hand > reserved and ends_at is not null;

create table inventory.lot_movement (
    item_id uuid not null,
    location_id text collate "C" not null,
    version bigint not null,
    lot_id uuid not null,
    on_hand_delta bigint not null,
    reserved_delta bigint not null,
    damaged_delta bigint not null,
    recorded_at timestamptz not null,
    constraint lot_movement_pkey primary key (item_id, location_id, version, lot_id),
    constraint lot_movement_lot_fkey foreign key (item_id, lot_id) references inventory.lot (item_id, id),
    constraint lot_movement_changes_something check ((on_hand_delta, reserved_delta, damaged_delta) <> (0, 0, 0))
);
comment on table inventory.lot_movement is 'Append-only: which lots a row of the ledger (same item, location, version, recorded_at) touched, and by how much. Stays when the month of the ledger is retired.';
create index lot_movement_lot on inventory.lot_movement (lot_id, recorded_at);

create table inventory.reservation_lot (
    reservation_id uuid not null,
    item_id uuid not null,
    location_id text collate "C" not null,
    lot_id uuid not null,
    quantity bigint not null default 0,
    confirmed bigint not null default 0,
    constraint reservation_lot_pkey primary key (reservation_id, item_id, location_id, lot_id),
    constraint reservation_lot_level_fkey foreign key (item_id, location_id, lot_id)
        references inventory.lot_level (item_id, location_id, lot_id),
    constraint reservation_lot_not_negative check (quantity >= 0 and confirmed >= 0)
) with (fillfactor = 85);
comment on table inventory.reservation_lot is 'Which lots a reservation holds (quantity) and which were sold by it (confirmed).';
create index reservation_lot_level on inventory.reservation_lot (item_id, location_id, lot_id);
create index reservation_lot_lot on inventory.reservation_lot (lot_id);

create table inventory.transfer_lot (
    transfer_id uuid not null,
    item_id uuid not null,
    lot_id uuid not null,
    shipped bigint not null default 0,
    received bigint not null default 0,
    damaged bigint not null default 0,
    lost bigint not null default 0,
    returned bigint not null default 0,
    constraint transfer_lot_pkey primary key (transfer_id, item_id, lot_id),
    constraint transfer_lot_transfer_fkey foreign key (transfer_id) references inventory.transfer (id),
    constraint transfer_lot_lot_fkey foreign key (item_id, lot_id) references inventory.lot (item_id, id),
    constraint transfer_lot_not_negative check (least(shipped, received, damaged, lost, returned) >= 0),
    constraint transfer_lot_conserved check (received + damaged + lost + returned <= shipped)
);
comment on table inventory.transfer_lot is 'Which lots a transfer took and what became of them; the rest is still in transit.';
create index transfer_lot_lot on inventory.transfer_lot (item_id, lot_id);

create table inventory.serial (
    item_id uuid not null references inventory.item (id),
    serial text collate "C" not null,
    status text not null,
    location_id text collate "C",
    lot_id uuid,
    reservation_id uuid,
    transfer_id uuid,
    received_at timestamptz not null,
    version bigint not null,
    updated_at timestamptz not null,
    constraint serial_pkey primary key (item_id, serial),
    constraint serial_lot_fkey foreign key (item_id, lot_id) references inventory.lot (item_id, id),
    constraint serial_form check (length(serial) between 1 and 100),
    constraint serial_status_known check (status in ('in_stock', 'damaged', 'in_transit', 'shipped', 'removed')),
    constraint serial_location_known check ((location_id is null) = (status in ('shipped', 'removed'))),
    constraint serial_version_range check (version between 0 and 9007199254740991)
) with (fillfactor = 85);
comment on table inventory.serial is 'One unit of an item whose units have serial numbers: what it is and where.';
comment on column inventory.serial.location_id is 'Where it lies, or is on its way to; null once it is gone.';
comment on column inventory.serial.reservation_id is 'In stock: the reservation that named it. Shipped: the one that it was sold by.';
comment on column inventory.serial.received_at is 'When it came into stock, the last time; the oldest goes first.';
create index serial_in_stock on inventory.serial (item_id, location_id, received_at, serial) where status = 'in_stock';
create index serial_transfer on inventory.serial (transfer_id) where status = 'in_transit';
create index serial_reservation on inventory.serial (reservation_id) where reservation_id is not null;
create index serial_lot on inventory.serial (item_id, lot_id) where lot_id is not null;

create table inventory.serial_movement (
    item_id uuid not null,
    serial text collate "C" not null,
    serial_version bigint not null,
    location_id text collate "C" not null,
    version bigint not null,
    status text not null,
    lot_id uuid,
    reservation_id uuid,
    transfer_id uuid,
    recorded_at timestamptz not null,
    constraint serial_movement_pkey primary key (item_id, serial, serial_version),
    constraint serial_movement_serial_fkey foreign key (item_id, serial) references inventory.serial (item_id, serial)
);
comment on table inventory.serial_movement is 'Append-only: what became of a serial number by a row of the ledger (same item, location, version, recorded_at). Stays when the month of the ledger is retired.';
create index serial_movement_version on inventory.serial_movement (item_id, location_id, version);

-- Shapes that the functions pass around.
create type internal.tracked_change as (
    item_id uuid, sku text, tracking text, location_id text, movement text, on_hand bigint, reserved bigint, in_transit bigint,
    damaged bigint, reservation_id uuid, transfer_id uuid, version bigint, line jsonb, instant timestamptz
);
comment on type internal.tracked_change is 'A change of the stock_level of a tracked item: by how much, for what, and what its command names.';

create type internal.lot_share as (lot_id uuid, quantity bigint);
comment on type internal.lot_share is 'So many units of a lot.';

create type internal.lot_change as (lot_id uuid, on_hand bigint, reserved bigint, damaged bigint, lost bigint);
comment on type internal.lot_change is 'What a change does to one lot at its place; lost on the way there.';

create type api.lot_state as (
    sku text, lot text, status text, expires_at timestamptz, received_at timestamptz, recalled_at timestamptz, location text,
    on_hand bigint, reserved bigint, available bigint, damaged bigint, metadata jsonb, version bigint
);
comment on type api.lot_state is 'A lot and what lies of it at one location.';

create type api.lot_recall as (
    sku text, lot text, recalled_at timestamptz, location text, quantity bigint, held bigint, available bigint, damaged bigint,
    version bigint, replayed boolean
);
comment on type api.lot_recall is 'What a recall took from sale at one location, and what reservations still hold of the lot there.';

create type api.lot_trace as (
    sku text, lot text, kind text, location text, quantity bigint, status text, reservation_id uuid, transfer_id uuid, owner text,
    reference text, reason text, version bigint, at timestamptz
);
comment on type api.lot_trace is 'One place a lot has got to: stock, reservation, sale, transfer, or a movement of the ledger.';

create type api.serial_state as (
    sku text, serial text, status text, location text, lot text, reservation_id uuid, transfer_id uuid, received_at timestamptz,
    updated_at timestamptz, version bigint
);
comment on type api.serial_state is 'A serial number and where it is.';

create type api.serial_event as (
    sku text, serial text, status text, location text, lot text, at timestamptz, type text, became text, at_location text,
    reservation_id uuid, transfer_id uuid, reference text, reason text, user_id text, version bigint
);
comment on type api.serial_event is 'A serial number, where it is, and one movement of its history.';

create type api.tracked_unit as (sku text, location text, version bigint, lot text, serial text, quantity bigint, became text);
comment on type api.tracked_unit is 'Units that a movement of the ledger touched: so many of a lot, or one by its serial number.';

grant select on inventory.lot, inventory.lot_level, inventory.lot_movement, inventory.reservation_lot, inventory.transfer_lot,
    inventory.serial, inventory.serial_movement to onhand_reader;

reset role;
