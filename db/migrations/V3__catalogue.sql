-- What is stocked and where: category, item, location.
set local role onhand_owner;

create table inventory.category (
    id uuid primary key default uuidv7(),
    code text not null,
    name text not null,
    parent_id uuid references inventory.category (id),
    version bigint not null default 1,
    created_at timestamptz not null default clock_timestamp(),
    updated_at timestamptz not null default clock_timestamp(),
    constraint category_code_unique unique (code),
    constraint category_code_form check (code ~ '^\S(.{0,62}\S)?$'),
    constraint category_not_own_parent check (parent_id <> id)
);
comment on table inventory.category is 'A node of the product tree.';

create table inventory.item (
    id uuid primary key default uuidv7(),
    sku text collate "C" not null,
    name text not null,
    description text,
    kind text not null default 'physical',
    parent_id uuid references inventory.item (id),
    category_id uuid references inventory.category (id),
    unit_of_measure text not null default 'EACH',
    tags text[] not null default '{}',
    dimensions jsonb,
    metadata jsonb not null default '{}',
    status text not null default 'active',
    tracking text not null default 'none',
    stock_policy text,
    version bigint not null default 1,
    created_at timestamptz not null default clock_timestamp(),
    updated_at timestamptz not null default clock_timestamp(),
    constraint item_sku_unique unique (sku),
    constraint item_sku_form check (sku ~ '^[^\s[:cntrl:]]([^[:cntrl:]]{0,62}[^\s[:cntrl:]])?$'),
    constraint item_name_form check (length(name) between 1 and 500),
    constraint item_description_length check (length(description) <= 100000),
    constraint item_kind_known check (kind in ('physical', 'digital', 'bundle')),
    constraint item_status_known check (status in ('active', 'archived')),
    constraint item_tracking_known check (tracking in ('none', 'lot', 'serial')),
    -- Only what lies on a shelf has lots and serial numbers.
    constraint item_tracking_physical check (tracking = 'none' or kind = 'physical'),
    constraint item_stock_policy_known check (stock_policy in ('deny', 'oversell', 'backorder')),
    constraint item_unit_form check (unit_of_measure ~ '^[A-Za-z0-9_.-]{1,16}$'),
    constraint item_tags_bounded check (cardinality(tags) <= 100),
    constraint item_dimensions_object check (jsonb_typeof(dimensions) = 'object'),
    constraint item_metadata_object check (jsonb_typeof(metadata) = 'object'),
    constraint item_not_own_parent check (parent_id <> id)
);
comment on table inventory.item is 'Something that can be stocked, named by its sku. Items are archived, never deleted: the ledger names them.';
comment on column inventory.item.tracking is 'Whether its units are told apart: not at all, by lot, or each by a serial number.';
comment on column inventory.item.stock_policy is 'Policy of stock levels made from now on; null = that of the location.';
create index item_parent_id on inventory.item (parent_id) where parent_id is not null;
create index item_category_id on inventory.item (category_id) where category_id is not null;

create table inventory.location (
    id text collate "C" primary key,
    name text not null,
    type text not null default 'warehouse',
    priority integer not null default 100,
    status text not null default 'open',
    stock_policy text,
    address jsonb,
    metadata jsonb not null default '{}',
    version bigint not null default 1,
    created_at timestamptz not null default clock_timestamp(),
    updated_at timestamptz not null default clock_timestamp(),
    constraint location_id_form check (id ~ '^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$'),
    constraint location_name_form check (length(name) between 1 and 500),
    constraint location_type_known check (type in ('warehouse', 'store', 'dark_store', 'partner', 'ecommerce')),
    constraint location_status_known check (status in ('open', 'closed')),
    constraint location_stock_policy_known check (stock_policy in ('deny', 'oversell', 'backorder')),
    constraint location_priority_range check (priority between 0 and 1000000),
    constraint location_address_object check (jsonb_typeof(address) = 'object'),
    constraint location_metadata_object check (jsonb_typeof(metadata) = 'object')
);
comment on table inventory.location is 'A place that holds stock, named by its business code. Lower priority numbers are allocated from first.';
comment on column inventory.location.stock_policy is 'Policy of stock levels made from now on, unless the item has one; null = deny.';

-- Small and wide, and read models want the row as it was: log all columns.
alter table inventory.category replica identity full;
alter table inventory.item replica identity full;
alter table inventory.location replica identity full;

reset role;
