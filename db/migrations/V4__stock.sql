-- The balance of each item at each location. Rules are constraints first.
set local role onhand_owner;

create table inventory.stock_level (
    item_id uuid not null references inventory.item (id),
    location_id text collate "C" not null references inventory.location (id),
    on_hand bigint not null default 0,
    reserved bigint not null default 0,
    in_transit bigint not null default 0,
    backordered bigint not null default 0,
    damaged bigint not null default 0,
    incoming bigint not null default 0,
    safety_stock bigint not null default 0,
    reorder_point bigint not null default 0,
    available bigint not null default 0,
    policy text not null default 'deny',
    status text not null default 'out_of_stock',
    next_hold_at timestamptz,
    version bigint not null,
    last_movement_at timestamptz not null default clock_timestamp(),
    created_at timestamptz not null default clock_timestamp(),
    constraint stock_level_pkey primary key (item_id, location_id),
    constraint stock_level_policy_known check (policy in ('deny', 'oversell', 'backorder', 'unlimited')),
    -- `available` and `status` are plain columns because an incremental snapshot cannot read generated ones; these two prove them.
    constraint stock_level_available_derived check (available = on_hand - reserved),
    constraint stock_level_status_derived check (status = case
        when policy = 'unlimited' then 'in_stock'
        when available <= 0 then 'out_of_stock'
        when available <= greatest(safety_stock, reorder_point) then 'low_stock'
        else 'in_stock' end),
    constraint stock_level_available_not_negative check (available >= 0 or policy in ('oversell', 'unlimited')),
    constraint stock_level_on_hand_not_negative check (on_hand >= 0 or policy in ('oversell', 'unlimited')),
    -- One constraint for what could be fifteen: each is read anew by every statement that writes the table.
    constraint stock_level_states_not_negative check (
        least(reserved, in_transit, backordered, damaged, incoming, safety_stock, reorder_point) >= 0),
    -- 10^12: a sum over 9,000 locations stays below 2^53, exact for every JSON reader.
    constraint stock_level_in_range check (
        greatest(abs(on_hand), reserved, in_transit, backordered, damaged, incoming, safety_stock, reorder_point) <= 1000000000000),
    constraint stock_level_version_range check (version between 1 and 9007199254740991)
)
-- Every write updates the row in place: room on the page keeps the update off the index.
with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);
comment on table inventory.stock_level is 'Balance of one item at one location. No index but the key: all other columns change with every write.';
comment on column inventory.stock_level.on_hand is 'Sellable units on the shelf, those held by reservations included; damaged ones are not.';
comment on column inventory.stock_level.in_transit is 'Shipped to this location by a transfer and not received yet.';
comment on column inventory.stock_level.backordered is 'Reserved here beyond what is on hand: waits for stock to come in.';
comment on column inventory.stock_level.damaged is 'On the shelf, but not sellable: quarantined, damaged, expired or recalled.';
comment on column inventory.stock_level.incoming is 'Ordered from suppliers and not received yet.';
comment on column inventory.stock_level.policy is 'What happens when stock is short: deny, oversell (available goes below zero), backorder (the rest waits), unlimited (digital: never short).';
comment on column inventory.stock_level.next_hold_at is 'Availability does not change by itself before this instant (a hold or a lot that ends); null when nothing will.';
comment on column inventory.stock_level.version is 'Grows with every change of the row, also across a restore (see inventory.epoch).';

create table inventory.reservation (
    id uuid primary key default uuidv7(),
    owner text,
    status text not null default 'PENDING',
    expires_at timestamptz not null,
    reference text,
    version bigint not null,
    created_at timestamptz not null default clock_timestamp(),
    updated_at timestamptz not null default clock_timestamp(),
    constraint reservation_status_known check (status in ('PENDING', 'COMMITTED', 'RELEASED', 'EXPIRED')),
    constraint reservation_owner_length check (length(owner) <= 200)
) with (fillfactor = 85);
comment on table inventory.reservation is 'A hold on stock until expires_at, or a confirmed sale (COMMITTED).';
create index reservation_due on inventory.reservation (expires_at) where status = 'PENDING';

create table inventory.reservation_line (
    reservation_id uuid not null,
    item_id uuid not null,
    location_id text collate "C" not null,
    quantity bigint not null,
    status text not null default 'PENDING',
    expires_at timestamptz not null,
    backordered bigint not null default 0,
    confirmed bigint not null default 0,
    waiting_since timestamptz,
    constraint reservation_line_pkey primary key (reservation_id, item_id, location_id),
    constraint reservation_line_quantity_positive check (quantity between 1 and 1000000000000),
    constraint reservation_line_parts_range check (
        least(backordered, confirmed) >= 0 and greatest(backordered, confirmed) <= quantity),
    constraint reservation_line_waits_in_turn check (backordered = 0 or waiting_since is not null),
    constraint reservation_line_status_known check (status in ('PENDING', 'COMMITTED', 'RELEASED', 'EXPIRED'))
) with (fillfactor = 85);
comment on table inventory.reservation_line is 'What a reservation holds: one row for each item and location, demand summed.';
comment on column inventory.reservation_line.backordered is 'Part of quantity that is not allocated yet: it waits for stock in the order of waiting_since.';
comment on column inventory.reservation_line.confirmed is 'Part of quantity that was sold when the line was closed; the rest was freed.';
-- No foreign keys: neither reservations nor stock levels are ever deleted, one function writes a reservation with its lines, for rows
-- that it has locked; the checks cost a fifth of each reserve and lock each hot row once more for every line.
create index reservation_line_open on inventory.reservation_line (item_id, location_id, expires_at)
    where status = 'PENDING';
create index reservation_line_waiting on inventory.reservation_line (item_id, location_id, waiting_since)
    where backordered > 0;
create index reservation_owner on inventory.reservation (owner) where status = 'PENDING' and owner is not null;

reset role;
