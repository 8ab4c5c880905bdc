-- Closing balances at month ends: they keep answers about the past cheap, and let old months of the ledger go.
-- The index is built while writers of the ledger wait.
set local role onhand_owner;

create schema archive;
comment on schema archive is 'Months of the ledger that were detached after their retention, until an operator has dumped and dropped them.';
grant usage on schema archive to onhand_reader;

create table inventory.closed_month (
    month date primary key,
    levels bigint not null,
    movements bigint not null,
    closed_at timestamptz not null default clock_timestamp(),
    closed_by text not null default session_user,
    constraint closed_month_first_day check (extract(day from month) = 1),
    constraint closed_month_counts_not_negative check (levels >= 0 and movements >= 0)
);
comment on table inventory.closed_month is 'Months (UTC) whose closing balances were made: one after the other, without a gap. Append-only.';

create table inventory.closing_balance (
    month date not null,
    item_id uuid not null,
    location_id text collate "C" not null,
    version bigint not null,
    on_hand bigint not null,
    reserved bigint not null,
    in_transit bigint not null,
    backordered bigint not null,
    damaged bigint not null,
    incoming bigint not null,
    available bigint not null,
    safety_stock bigint not null,
    reorder_point bigint not null,
    policy text not null,
    last_recorded_at timestamptz not null,
    -- All balances of a month lie together, for the month after it. The version is part of the key for the sake of a month that got
    -- movements after it was closed, because a clock was set back by more than the grace: the highest version is in force.
    constraint closing_balance_pkey primary key (month, item_id, location_id, version),
    constraint closing_balance_available_derived check (available = on_hand - reserved)
);
comment on table inventory.closing_balance is 'Each stock_level as it was at the end of a closed month, with its settings of that instant. Append-only.';
comment on column inventory.closing_balance.version is 'Row version after the last movement until then.';
comment on column inventory.closing_balance.last_recorded_at is 'When that movement was recorded; may lie in an earlier month.';

create table inventory.retired_partition (
    month date primary key,
    table_name text not null,
    movements bigint not null,
    digest text not null,
    first_recorded_at timestamptz,
    last_recorded_at timestamptz,
    retired_at timestamptz not null default clock_timestamp(),
    retired_by text not null default session_user,
    constraint retired_partition_first_day check (extract(day from month) = 1),
    constraint retired_partition_digest_form check (digest ~ '^[0-9a-f]{64}$')
);
comment on table inventory.retired_partition is 'Months of the ledger that were detached into schema archive, with what proves a dump of them. Append-only.';
comment on column inventory.retired_partition.digest is 'SHA-256 over the movements in key order: see internal.movements_digest.';

-- What changes settings and what writes off holds is asked for by key, and is a small part of the ledger.
create index stock_movement_settings_and_expiries on inventory.stock_movement (item_id, location_id, type, version)
    where type in ('policy', 'expire');

create type api.closed_month as (month date, levels bigint, movements bigint, closed_at timestamptz);
comment on type api.closed_month is 'A month whose closing balances were made: how many of them, from how many movements.';

create type api.retired_month as (month date, table_name text, movements bigint, digest text, dropped boolean);
comment on type api.retired_month is 'A month of the ledger that was detached, and whether its table was dropped.';

create type api.finding as (rule text, sku text, location text, found jsonb);
comment on type api.finding is 'A rule that does not hold, where, and what was found there.';

create type api.audit_record as (id bigint, at timestamptz, actor text, action text, detail jsonb);
comment on type api.audit_record is 'An entry of the audit trail.';

grant select on inventory.closed_month, inventory.closing_balance, inventory.retired_partition to onhand_reader;

reset role;
