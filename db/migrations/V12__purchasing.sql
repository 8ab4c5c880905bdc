-- Where stock comes from: suppliers, what they deliver, purchase orders; and how each item is planned.
set local role onhand_owner;

create table inventory.supplier (
    code text collate "C" primary key,
    name text not null,
    status text not null default 'active',
    contact jsonb,
    metadata jsonb not null default '{}',
    version bigint not null,
    created_at timestamptz not null default clock_timestamp(),
    updated_at timestamptz not null default clock_timestamp(),
    constraint supplier_code_form check (code ~ '^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$'),
    constraint supplier_name_form check (length(name) between 1 and 500),
    constraint supplier_status_known check (status in ('active', 'archived')),
    constraint supplier_contact_object check (jsonb_typeof(contact) = 'object'),
    constraint supplier_metadata_object check (jsonb_typeof(metadata) = 'object')
);
comment on table inventory.supplier is 'Somebody to order from, named by a business code. Archived, never deleted: orders name them.';

create table inventory.item_supplier (
    item_id uuid not null references inventory.item (id),
    supplier_code text collate "C" not null references inventory.supplier (code),
    lead_time_days numeric not null,
    lead_time_stddev_days numeric not null default 0,
    minimum_order_quantity bigint not null default 1,
    order_multiple bigint not null default 1,
    unit_cost bigint,
    currency text,
    priority integer not null default 100,
    version bigint not null,
    created_at timestamptz not null default clock_timestamp(),
    updated_at timestamptz not null default clock_timestamp(),
    constraint item_supplier_pkey primary key (item_id, supplier_code),
    constraint item_supplier_lead_time_range check (lead_time_days between 0 and 3650),
    constraint item_supplier_lead_time_stddev_range check (lead_time_stddev_days between 0 and 3650),
    constraint item_supplier_minimum_range check (minimum_order_quantity between 1 and 1000000000000),
    constraint item_supplier_multiple_range check (order_multiple between 1 and 1000000000000),
    constraint item_supplier_unit_cost_range check (unit_cost between 0 and 1000000000000),
    constraint item_supplier_currency_form check (currency ~ '^[A-Z]{3}$'),
    constraint item_supplier_cost_has_currency check ((unit_cost is null) = (currency is null)),
    constraint item_supplier_priority_range check (priority between 0 and 1000000)
);
comment on table inventory.item_supplier is 'Who delivers an item, how fast, in which quantities and for how much. The lowest priority number is asked first.';
comment on column inventory.item_supplier.order_multiple is 'Size of a pack in base units: only whole packs are delivered.';
comment on column inventory.item_supplier.unit_cost is 'Of one base unit, in the smallest unit of the currency (cents).';
create index item_supplier_supplier_code on inventory.item_supplier (supplier_code);

create table inventory.purchase_order (
    id uuid primary key default uuidv7(),
    supplier_code text collate "C" not null references inventory.supplier (code),
    location_id text collate "C" not null references inventory.location (id),
    status text not null default 'OPEN',
    reference text,
    expected_at timestamptz,
    version bigint not null,
    created_at timestamptz not null default clock_timestamp(),
    updated_at timestamptz not null default clock_timestamp(),
    constraint purchase_order_status_known check (status in ('OPEN', 'RECEIVED', 'CANCELLED')),
    constraint purchase_order_reference_length check (length(reference) between 1 and 200)
) with (fillfactor = 85);
comment on table inventory.purchase_order is 'Stock ordered from a supplier for a location. RECEIVED: nothing is open; CANCELLED: what was open was called off.';
create index purchase_order_supplier_code on inventory.purchase_order (supplier_code, id);
create index purchase_order_location_id on inventory.purchase_order (location_id, id);
create index purchase_order_open on inventory.purchase_order (id) where status = 'OPEN';

create table inventory.purchase_order_line (
    purchase_order_id uuid not null references inventory.purchase_order (id),
    item_id uuid not null references inventory.item (id),
    ordered bigint not null,
    received bigint not null default 0,
    damaged bigint not null default 0,
    cancelled bigint not null default 0,
    unit_cost bigint,
    currency text,
    constraint purchase_order_line_pkey primary key (purchase_order_id, item_id),
    constraint purchase_order_line_ordered_range check (ordered between 1 and 1000000000000),
    constraint purchase_order_line_arrived_range check (received between 0 and 1000000000000 and damaged between 0 and 1000000000000),
    -- More than was ordered may arrive; only what did not can be called off.
    constraint purchase_order_line_cancelled_range check (
        cancelled between 0 and greatest(ordered - received - damaged, 0)),
    constraint purchase_order_line_unit_cost_range check (unit_cost between 0 and 1000000000000),
    constraint purchase_order_line_currency_form check (currency ~ '^[A-Z]{3}$'),
    constraint purchase_order_line_cost_has_currency check ((unit_cost is null) = (currency is null))
) with (fillfactor = 85);
comment on table inventory.purchase_order_line is 'What was ordered of one item, in base units, and what became of it; the rest is incoming.';
comment on column inventory.purchase_order_line.received is 'Arrived sellable, what came beyond the order included.';
create index purchase_order_line_item_id on inventory.purchase_order_line (item_id);

create table inventory.item_planning (
    item_id uuid not null references inventory.item (id),
    location_id text collate "C" not null references inventory.location (id),
    method text not null,
    service_level numeric not null default 0.95,
    review_period_days numeric not null default 0,
    demand_days integer not null default 90,
    ordering_cost bigint,
    holding_cost_rate numeric,
    min_level bigint,
    max_level bigint,
    fixed_quantity bigint,
    version bigint not null,
    created_at timestamptz not null default clock_timestamp(),
    updated_at timestamptz not null default clock_timestamp(),
    constraint item_planning_pkey primary key (item_id, location_id),
    constraint item_planning_method_known check (method in ('eoq', 'min_max', 'fixed')),
    constraint item_planning_service_level_range check (service_level between 0.5 and 0.99999),
    constraint item_planning_review_period_range check (review_period_days between 0 and 365),
    constraint item_planning_demand_days_range check (demand_days between 1 and 730),
    constraint item_planning_ordering_cost_range check (ordering_cost between 1 and 1000000000000),
    constraint item_planning_holding_cost_rate_range check (holding_cost_rate between 0.0001 and 10),
    constraint item_planning_levels_range check (min_level >= 0 and max_level between 1 and 1000000000000),
    constraint item_planning_levels_ordered check (min_level < max_level),
    constraint item_planning_fixed_quantity_range check (fixed_quantity between 1 and 1000000000000),
    constraint item_planning_method_complete check (case method
        when 'min_max' then min_level is not null and max_level is not null
        when 'fixed' then fixed_quantity is not null
        else true end)
);
comment on table inventory.item_planning is 'How the orders for an item at a location are worked out. The reorder point itself is a setting of the stock level.';
comment on column inventory.item_planning.service_level is 'Share of the replenishment cycles in which stock lasts until the delivery comes.';
comment on column inventory.item_planning.ordering_cost is 'Of placing one order, in the smallest unit of the currency that the supplier is paid in.';
comment on column inventory.item_planning.holding_cost_rate is 'Cost of holding stock for a year, as a fraction of its unit cost: 0.25 = a quarter.';
create index item_planning_location_id on inventory.item_planning (location_id);

create type internal.order_receipt as (
    item_id uuid, received bigint, damaged bigint, line jsonb
);
comment on type internal.order_receipt is 'What arrived of one item of a purchase order, in base units, with its lot or serial numbers.';

-- Rows that the public functions answer with.
create type api.supplier_state as (
    code text, name text, status text, contact jsonb, metadata jsonb, version bigint, created_at timestamptz, updated_at timestamptz
);
comment on type api.supplier_state is 'A supplier as it is.';

create type api.item_supplier_state as (
    sku text, item_id uuid, supplier text, lead_time_days numeric, lead_time_stddev_days numeric,
    minimum_order_quantity bigint, order_multiple bigint, unit_cost bigint, currency text, priority integer, version bigint,
    updated_at timestamptz
);
comment on type api.item_supplier_state is 'How a supplier delivers an item.';

create type api.purchase_order_change as (
    purchase_order_id uuid, status text, sku text, location text, type text, quantity bigint, on_hand bigint, reserved bigint,
    available bigint, damaged bigint, incoming bigint, version bigint, replayed boolean
);
comment on type api.purchase_order_change is 'A purchase order after a write, with what that did to one stock level.';

create type api.purchase_order_state as (
    purchase_order_id uuid, supplier text, location text, status text, reference text, expected_at timestamptz,
    created_at timestamptz, updated_at timestamptz, version bigint, sku text, item_id uuid, ordered bigint, received bigint,
    damaged bigint, cancelled bigint, open bigint, excess bigint, unit_cost bigint, currency text
);
comment on type api.purchase_order_state is 'A line of a purchase order as it is now.';

create type api.purchase_order_summary as (
    purchase_order_id uuid, supplier text, location text, status text, reference text, expected_at timestamptz,
    created_at timestamptz, updated_at timestamptz, version bigint, lines bigint, ordered numeric, open numeric
);
comment on type api.purchase_order_summary is 'A purchase order in a list.';

create type api.item_planning_state as (
    sku text, item_id uuid, location text, method text, service_level numeric, review_period_days numeric, demand_days integer,
    ordering_cost bigint, holding_cost_rate numeric, min_level bigint, max_level bigint, fixed_quantity bigint,
    version bigint, updated_at timestamptz
);
comment on type api.item_planning_state is 'How the orders for an item at a location are worked out.';

create type api.demand_statistics as (
    sku text, location text, days integer, since timestamptz, until timestamptz, demand bigint, days_with_demand integer,
    mean_daily double precision, stddev_daily double precision
);
comment on type api.demand_statistics is 'Demand of an item per day of 24 hours: sales and removals less returns.';

create type internal.replenishment_plan as (
    item_id uuid, sku text, location_id text, supplier text, method text, service_level double precision, z double precision,
    demand_days integer, mean_daily double precision, stddev_daily double precision, lead_time_days double precision,
    lead_time_stddev_days double precision, review_period_days double precision, safety_stock bigint, reorder_point bigint,
    inventory_position bigint, minimum_order_quantity bigint, order_multiple bigint, unit_cost bigint, currency text,
    ordering_cost bigint, holding_cost_rate double precision, min_level bigint, max_level bigint, fixed_quantity bigint,
    economic_quantity double precision, order_quantity bigint, missing text[]
);
comment on type internal.replenishment_plan is 'All that is known and worked out for the orders of an item at a location.';

create type api.safety_stock_suggestion as (
    sku text, location text, supplier text, service_level double precision, z double precision, demand_days integer,
    mean_daily double precision, stddev_daily double precision, lead_time_days double precision,
    lead_time_stddev_days double precision, review_period_days double precision, safety_stock bigint, missing text[]
);
comment on type api.safety_stock_suggestion is 'A suggested safety stock and what it follows from; missing names what there was no knowing.';

create type api.reorder_point_suggestion as (
    sku text, location text, supplier text, demand_days integer, mean_daily double precision, lead_time_days double precision,
    review_period_days double precision, safety_stock bigint, reorder_point bigint, missing text[]
);
comment on type api.reorder_point_suggestion is 'A suggested reorder point and what it follows from; missing names what there was no knowing.';

create type api.order_quantity_suggestion as (
    sku text, location text, supplier text, method text, mean_daily double precision, unit_cost bigint, currency text,
    ordering_cost bigint, holding_cost_rate double precision, economic_quantity double precision, inventory_position bigint,
    minimum_order_quantity bigint, order_multiple bigint, order_quantity bigint, missing text[]
);
comment on type api.order_quantity_suggestion is 'A suggested order quantity and what it follows from; missing names what there was no knowing.';

create type api.reorder_suggestion as (
    sku text, item_id uuid, location text, supplier text, available bigint, incoming bigint, in_transit bigint,
    backordered bigint, inventory_position bigint, reorder_point bigint, method text, order_quantity bigint, unit_cost bigint,
    currency text, lead_time_days numeric, missing text[]
);
comment on type api.reorder_suggestion is 'An item that has to be ordered for a location, and how much of it.';

grant select on inventory.supplier, inventory.item_supplier, inventory.purchase_order, inventory.purchase_order_line,
    inventory.item_planning to onhand_reader;

reset role;
