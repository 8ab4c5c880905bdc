-- Writes a batch that internal.lock_plain decided, in one statement: each level is updated once, and each command gets its ledger row, its answer and,
-- to hold something, its reservation. Those that the batch closes are closed already (internal.close_plain).
create or replace function internal.write_plain(plain internal.settled[], caller text, instant timestamptz, version_floor bigint)
returns table (ordinal integer, outcome text, code text, message text, detail jsonb, answer jsonb)
language sql
volatile
rows 100
set search_path = ''
set enable_hashjoin = off  -- a plan made while the table was empty must not scan it later
set enable_mergejoin = off
set enable_seqscan = off
as $$
    with decided as materialized (
        select p.* from unnest(plain) as p
    ), changed as (
        update inventory.stock_level as s
        set on_hand = d.on_hand, reserved = d.reserved, available = d.available, status = d.status, version = d.version,
            last_movement_at = instant,
            next_hold_at = case
                when d.reserved = 0 then null
                when d.closed_deadline <= s.next_hold_at then least(internal.first_deadline(s.item_id, s.location_id), d.opened_deadline)
                else least(s.next_hold_at, d.opened_deadline) end
        from decided as d
        where d.is_last and s.item_id = d.item_id and s.location_id = d.location_id
    ), recorded as (
        insert into inventory.stock_movement (item_id, location_id, version, type, on_hand_delta, reserved_delta, on_hand, reserved,
            in_transit, backordered, damaged, incoming, available, reason, reference, reservation_id, correlation_id, user_id, source,
            occurred_at, recorded_at, traceparent, transaction_id)
        select d.item_id, d.location_id, d.version,
            case d.op when 'add' then 'receipt' when 'remove' then 'removal' when 'adjust' then 'adjustment' when 'confirm' then 'commit'
                when 'cancel' then 'release' else 'reserve' end,
            d.on_hand_delta, d.reserved_delta, d.on_hand, d.reserved, d.in_transit, d.backordered, d.damaged, d.incoming, d.available,
            d.reason, d.reference, d.reservation_id, d.correlation_id, d.user_id, d.source, instant, instant, d.traceparent,
            (select pg_current_xact_id()::text::bigint)  -- its default, worked out once
        from decided as d
        order by d.version  -- readers of the log see the movements of a level in the order of its versions
    ), opened as (
        insert into inventory.reservation (id, owner, expires_at, reference, version, created_at, updated_at)
        select d.reservation_id, d.owner, d.expires_at, d.reference, greatest(1, write_plain.version_floor), instant, instant
        from decided as d
        where d.op = 'reserve'
    ), held as (
        insert into inventory.reservation_line (reservation_id, item_id, location_id, quantity, expires_at)
        select d.reservation_id, d.item_id, d.location_id, d.quantity, d.expires_at
        from decided as d
        where d.op = 'reserve'
    ), kept as (
        insert into inventory.idempotency_key (caller, key, fingerprint, answer)
        select coalesce(write_plain.caller, session_user), d.idempotency_key, d.fingerprint, d.answer
        from decided as d
        where d.idempotency_key is not null
        order by d.idempotency_key  -- two batches with the same keys wait for each other in one order
    )
    select d.ordinal, 'applied', null::text, null::text, null::jsonb, d.answer
    from decided as d
    order by d.ordinal
$$;

comment on function internal.write_plain(internal.settled[], text, timestamptz, bigint) is 'Writes a decided plain batch in one statement.';
