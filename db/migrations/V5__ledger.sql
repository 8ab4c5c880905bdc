-- The ledger: append-only, one row for each change of one stock_level, partitioned by month of recording.
set local role onhand_owner;

create table inventory.stock_movement (
    item_id uuid not null,
    location_id text collate "C" not null,
    version bigint not null,
    type text not null,
    on_hand_delta bigint not null default 0,
    reserved_delta bigint not null default 0,
    in_transit_delta bigint not null default 0,
    backordered_delta bigint not null default 0,
    damaged_delta bigint not null default 0,
    incoming_delta bigint not null default 0,
    on_hand bigint not null,
    reserved bigint not null,
    in_transit bigint not null,
    backordered bigint not null,
    damaged bigint not null,
    incoming bigint not null default 0,
    available bigint not null,
    reason text,
    reference text,
    reservation_id uuid,
    correlation_id text,
    user_id text,
    source text not null,
    occurred_at timestamptz not null,
    recorded_at timestamptz not null,
    traceparent text,
    reason_code text,
    transfer_id uuid,
    detail jsonb,
    -- The identity of a movement is (item, location, version); recorded_at is there because it partitions the table.
    constraint stock_movement_pkey primary key (item_id, location_id, version, recorded_at),
    constraint stock_movement_type_known check (type = any (
        '{receipt, removal, adjustment, transfer_out, transfer_in, reserve, release, commit, expire,
        policy, extend, allocate, return, quarantine, restore, write_off, ship, dispatch,
        receive, transfer_loss, transfer_cancel, expect, order_receipt, order_cancel, count, lot_expiry, recall}'::text[])),
    constraint stock_movement_text_bounded check (length(reason) <= 500 and length(reference) <= 200
        and length(correlation_id) <= 200 and length(user_id) <= 200 and length(source) <= 100
        and length(traceparent) <= 200)
) partition by range (recorded_at);
comment on table inventory.stock_movement is 'Append-only ledger: which states of a stock_level changed by how much, the values and the row version after, why, by whom.';
comment on column inventory.stock_movement.detail is 'What else belongs to the fact: the settings after a policy change, lots, serial numbers.';
comment on column inventory.stock_movement.occurred_at is 'When the fact happened; may lie before recorded_at when it was reported late.';

reset role;
