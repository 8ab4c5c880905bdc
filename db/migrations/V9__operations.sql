-- What the operations beyond a single place need: units of measure, bundles, reasons, transfers.
set local role onhand_owner;

create table inventory.item_unit (
    item_id uuid not null references inventory.item (id),
    unit text not null,
    factor bigint not null,
    constraint item_unit_pkey primary key (item_id, unit),
    constraint item_unit_name_form check (unit ~ '^[A-Za-z0-9_.-]{1,16}$'),
    constraint item_unit_factor_range check (factor between 1 and 1000000000)
);
comment on table inventory.item_unit is 'Larger units of an item: one unit is factor of its base unit (item.unit_of_measure), a whole number.';

create table inventory.bundle_component (
    bundle_id uuid not null references inventory.item (id),
    component_id uuid not null references inventory.item (id),
    quantity bigint not null,
    constraint bundle_component_pkey primary key (bundle_id, component_id),
    constraint bundle_component_not_itself check (bundle_id <> component_id),
    constraint bundle_component_quantity_range check (quantity between 1 and 1000000)
);
comment on table inventory.bundle_component is 'How many of what one bundle consists of; a component may be a bundle itself.';
create index bundle_component_component on inventory.bundle_component (component_id);

create table inventory.reason_code (
    code text primary key,
    description text not null,
    active boolean not null default true,
    constraint reason_code_form check (code ~ '^[a-z][a-z0-9_]{0,39}$'),
    constraint reason_code_description_form check (length(description) between 1 and 200)
);
comment on table inventory.reason_code is 'Codes that adjustments and write-offs may give as their reason.';
insert into inventory.reason_code (code, description) values
    ('correction', 'An earlier entry was wrong'),
    ('count_variance', 'A count found another number'),
    ('damaged', 'Broken or spoilt'),
    ('expired', 'Past its date'),
    ('found', 'Turned up after it was missed'),
    ('lost', 'Missing, cause unknown'),
    ('lost_in_transit', 'Shipped and never arrived'),
    ('promotion', 'Given away'),
    ('recalled', 'Called back by its maker'),
    ('sample', 'Used as a sample'),
    ('theft', 'Stolen'),
    ('internal_use', 'Used by the house itself');

create table inventory.transfer (
    id uuid primary key default uuidv7(),
    from_location text collate "C" not null references inventory.location (id),
    to_location text collate "C" not null references inventory.location (id),
    status text not null default 'IN_TRANSIT',
    reference text,
    version bigint not null,
    created_at timestamptz not null default clock_timestamp(),
    updated_at timestamptz not null default clock_timestamp(),
    constraint transfer_status_known check (status in ('IN_TRANSIT', 'RECEIVED', 'CANCELLED')),
    constraint transfer_moves check (from_location <> to_location)
);
create index transfer_from_location on inventory.transfer (from_location);
create index transfer_to_location on inventory.transfer (to_location);
comment on table inventory.transfer is 'Stock on its way from one location to another.';

create table inventory.transfer_line (
    transfer_id uuid not null references inventory.transfer (id),
    item_id uuid not null,
    shipped bigint not null,
    received bigint not null default 0,
    damaged bigint not null default 0,
    lost bigint not null default 0,
    returned bigint not null default 0,
    constraint transfer_line_pkey primary key (transfer_id, item_id),
    constraint transfer_line_shipped_positive check (shipped between 1 and 1000000000000),
    constraint transfer_line_not_negative check (least(received, damaged, lost, returned) >= 0),
    constraint transfer_line_conserved check (received + damaged + lost + returned <= shipped)
);
comment on table inventory.transfer_line is 'What was shipped and what became of it; the rest is still in transit.';

grant select on inventory.item_unit, inventory.bundle_component, inventory.reason_code, inventory.transfer,
    inventory.transfer_line to onhand_reader;

reset role;
