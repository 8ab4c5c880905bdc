-- A plain batch is decided where it is locked: what is passed on is each command with its level after it, and its answer. Catalogue only: no
-- table is touched. internal.plain stays for the functions of the release before, until those of this one are loaded.
set local role onhand_owner;

create type internal.accepted as (
    ordinal integer,
    op text,
    item_id uuid,
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
    available bigint,
    status text,
    version bigint,
    is_last boolean,
    deadline timestamptz,
    answer jsonb
);
comment on type internal.accepted is 'A plain command of one line that was accepted: what it does to its locked level, the level after it, and its answer.';

reset role;
