-- A plain batch may close holds: each command that was accepted carries the first deadline of the holds that it and those before it close on its
-- level. Catalogue only: no table is touched. internal.accepted stays for the functions of the release before, until those of this one are loaded;
-- internal.plain, which stayed for those before them, goes.
set local role onhand_owner;

create type internal.settled as (
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
    opened_deadline timestamptz,
    closed_deadline timestamptz,
    answer jsonb
);
comment on type internal.settled is 'A plain command of one line that was accepted: what it does to its locked level, the level after it, and its answer.';

drop type internal.plain;

reset role;
