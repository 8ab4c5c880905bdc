-- Every write of the public functions takes an idempotency key and the version it was decided on: a version for reason codes, and rows that
-- say whether they are a stored answer. Short locks; the new column has a constant default, so that no row is rewritten. The functions of which an
-- answer changes are dropped: `onhand migrate` loads the new ones right after this.
set local role onhand_owner;

alter table inventory.reason_code add column version bigint not null default 1;
comment on column inventory.reason_code.version is 'Grows with every change of the row.';

create type api.item_change as (
    id uuid, sku text, name text, description text, kind text, parent_sku text, category text, unit_of_measure text,
    tags text[], dimensions jsonb, metadata jsonb, status text, version bigint, created_at timestamptz, updated_at timestamptz,
    tracking text, stock_policy text, replayed boolean
);
comment on type api.item_change is 'An item after a write; replayed marks the stored answer of an earlier request.';

create type api.location_change as (
    id text, name text, type text, priority integer, status text, address jsonb, metadata jsonb, version bigint,
    created_at timestamptz, updated_at timestamptz, stock_policy text, replayed boolean
);
comment on type api.location_change is 'A location after a write; replayed marks the stored answer of an earlier request.';

create type api.reason_change as (code text, description text, active boolean, version bigint, replayed boolean);
comment on type api.reason_change is 'A reason code after a write; replayed marks the stored answer of an earlier request.';

create type api.bundle_change as (bundle text, component text, quantity bigint, version bigint, replayed boolean);
comment on type api.bundle_change is 'A component of a bundle after a write, with the version of the bundle; replayed marks a stored answer.';

create type api.unit_change as (unit text, quantity bigint, version bigint, replayed boolean);
comment on type api.unit_change is 'A unit of an item after a write, with the version of the item; replayed marks a stored answer.';

create type api.policy_change as (
    sku text, item_id uuid, location text, on_hand bigint, reserved bigint, available bigint, in_transit bigint,
    backordered bigint, damaged bigint, safety_stock bigint, reorder_point bigint, policy text, status text, version bigint,
    next_hold_at timestamptz, last_movement_at timestamptz, incoming bigint, replayed boolean
);
comment on type api.policy_change is 'A stock level after its settings were set; replayed marks the stored answer of an earlier request.';

create type api.supplier_change as (
    code text, name text, status text, contact jsonb, metadata jsonb, version bigint, created_at timestamptz, updated_at timestamptz,
    replayed boolean
);
comment on type api.supplier_change is 'A supplier after a write; replayed marks the stored answer of an earlier request.';

create type api.item_supplier_change as (
    sku text, item_id uuid, supplier text, lead_time_days numeric, lead_time_stddev_days numeric,
    minimum_order_quantity bigint, order_multiple bigint, unit_cost bigint, currency text, priority integer, version bigint,
    updated_at timestamptz, replayed boolean
);
comment on type api.item_supplier_change is 'The terms of a supplier after a write; replayed marks the stored answer of an earlier request.';

create type api.item_planning_change as (
    sku text, item_id uuid, location text, method text, service_level numeric, review_period_days numeric, demand_days integer,
    ordering_cost bigint, holding_cost_rate numeric, min_level bigint, max_level bigint, fixed_quantity bigint,
    version bigint, updated_at timestamptz, replayed boolean
);
comment on type api.item_planning_change is 'The planning of an item after a write; replayed marks the stored answer of an earlier request.';

drop function if exists api.list_reasons();

reset role;
