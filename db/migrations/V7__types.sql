-- Shapes that the batch engine passes between its steps.
set local role onhand_owner;

create type internal.command as (
    ordinal integer,
    op text,
    caller text,
    idempotency_key text,
    fingerprint bytea,
    reservation_id uuid,
    owner text,
    expires_at timestamptz,
    expected_version bigint,
    reason text,
    reference text,
    correlation_id text,
    user_id text,
    source text,
    occurred_at timestamptz,
    traceparent text,
    body jsonb,
    replay jsonb,
    code text,
    detail jsonb,
    special boolean
);
comment on type internal.command is 'One parsed command; code is set once it is refused, replay once its stored answer was found.';

create type internal.line as (
    ordinal integer,
    item_id uuid,
    sku text,
    location_id text,
    movement text,
    quantity bigint,
    on_hand_delta bigint,
    reserved_delta bigint,
    expected_version bigint,
    expires_at timestamptz,
    on_hand bigint,
    reserved bigint,
    version bigint,
    reservation_id uuid,
    code text,
    detail jsonb,
    special boolean
);
comment on type internal.line is 'What one command does to one stock_level; the values after it and its refusal are filled in when it is decided.';

create type internal.level as (
    position integer,
    item_id uuid,
    location_id text,
    on_hand bigint,
    reserved bigint,
    in_transit bigint,
    backordered bigint,
    damaged bigint,
    threshold bigint,
    oversell boolean,
    version bigint,
    next_version bigint,
    next_hold_at timestamptz,
    found boolean,
    incoming bigint,
    special boolean
);
comment on type internal.level is 'A locked stock_level (or the empty one of a key that has no row yet) and its place in the batch.';

create type internal.plain as (
    ordinal integer,
    op text,
    item_id uuid,
    sku text,
    location_id text,
    quantity bigint,
    on_hand_delta bigint,
    reserved_delta bigint,
    reservation_id uuid,
    owner text,
    expires_at timestamptz,
    idempotency_key text,
    fingerprint bytea,
    reason text,
    reference text,
    correlation_id text,
    user_id text,
    source text,
    traceparent text,
    on_hand bigint,
    reserved bigint,
    in_transit bigint,
    backordered bigint,
    damaged bigint,
    incoming bigint,
    threshold bigint,
    oversell boolean,
    next_version bigint
);
comment on type internal.plain is 'A plain command of one line with the locked level that it is about.';

create type internal.deltas as (
    on_hand bigint,
    reserved bigint,
    in_transit bigint,
    backordered bigint,
    damaged bigint,
    incoming bigint
);
comment on type internal.deltas is 'By how much each state of a stock_level changes; null = not at all.';

create type internal.answer as (
    ordinal integer,
    outcome text,
    code text,
    message text,
    detail jsonb,
    answer jsonb
);
comment on type internal.answer is 'What became of one command: applied, replayed or refused.';

-- Rows that the public functions answer with.
create type api.stock_change as (
    sku text, location text, on_hand bigint, reserved bigint, available bigint, status text, version bigint, replayed boolean
);
comment on type api.stock_change is 'A stock level after a write; replayed marks the stored answer of an earlier request.';

create type api.stock_effect as (
    sku text, location text, type text, quantity bigint, on_hand bigint, reserved bigint, available bigint, in_transit bigint,
    backordered bigint, damaged bigint, incoming bigint, status text, version bigint, replayed boolean
);
comment on type api.stock_effect is 'What a write did to one stock level, with every state after it.';

create type api.transfer_change as (
    transfer_id uuid, status text, sku text, location text, type text, quantity bigint, on_hand bigint, reserved bigint,
    available bigint, in_transit bigint, damaged bigint, version bigint, replayed boolean
);
comment on type api.transfer_change is 'What a step of a transfer did to one stock level.';

create type api.transfer_state as (
    transfer_id uuid, from_location text, to_location text, status text, reference text, version bigint, created_at timestamptz,
    updated_at timestamptz, sku text, item_id uuid, shipped bigint, received bigint, damaged bigint, lost bigint, returned bigint,
    open bigint
);
comment on type api.transfer_state is 'A line of a transfer as it is now.';

create type api.availability as (
    sku text, kind text, location text, available bigint, backorderable boolean, unlimited boolean
);
comment on type api.availability is 'How many units of an item, or whole bundles, can be reserved at a location now.';

create type api.reservation_change as (
    reservation_id uuid, status text, expires_at timestamptz, sku text, location text, quantity bigint, on_hand bigint,
    reserved bigint, available bigint, version bigint, replayed boolean, backordered bigint
);
comment on type api.reservation_change is 'A line of a reservation after a write, with the stock level it is on.';

create type api.reservation_state as (
    reservation_id uuid, status text, owner text, reference text, expires_at timestamptz, created_at timestamptz,
    updated_at timestamptz, version bigint, sku text, item_id uuid, location text, quantity bigint,
    backordered bigint, confirmed bigint
);
comment on type api.reservation_state is 'A line of a reservation as it is now.';

create type api.stock_state as (
    sku text, item_id uuid, location text, on_hand bigint, reserved bigint, available bigint, in_transit bigint,
    backordered bigint, damaged bigint, safety_stock bigint, reorder_point bigint, policy text, status text, version bigint,
    next_hold_at timestamptz, last_movement_at timestamptz, incoming bigint
);
comment on type api.stock_state is 'A stock level as it is, or was at an instant.';

create type api.movement as (
    sku text, item_id uuid, location text, version bigint, type text, on_hand_delta bigint, reserved_delta bigint,
    on_hand bigint, reserved bigint, available bigint, reason text, reference text, reservation_id uuid, correlation_id text,
    user_id text, source text, occurred_at timestamptz, recorded_at timestamptz, in_transit_delta bigint,
    backordered_delta bigint, damaged_delta bigint, incoming_delta bigint, in_transit bigint, backordered bigint, damaged bigint,
    incoming bigint, reason_code text, transfer_id uuid, detail jsonb
);
comment on type api.movement is 'A row of the ledger.';

create type api.item_state as (
    id uuid, sku text, name text, description text, kind text, parent_sku text, category text, unit_of_measure text,
    tags text[], dimensions jsonb, metadata jsonb, status text, version bigint, created_at timestamptz, updated_at timestamptz,
    tracking text, stock_policy text
);
comment on type api.item_state is 'An item as it is.';

create type api.location_state as (
    id text, name text, type text, priority integer, status text, address jsonb, metadata jsonb, version bigint,
    created_at timestamptz, updated_at timestamptz, stock_policy text
);
comment on type api.location_state is 'A location as it is.';

reset role;
