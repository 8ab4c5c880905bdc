-- Decides and writes a locked plain batch in one statement: running balances in command order; if all of it fits, each level is updated once and
-- each command gets its ledger row, reservation and answer. No rows, and nothing written, if something does not fit or a key is known.
create or replace function internal.write_plain(plain internal.plain[], caller text, instant timestamptz, version_floor bigint)
returns table (ordinal integer, outcome text, code text, message text, detail jsonb, answer jsonb)
language sql
volatile
rows 100
set search_path = ''
set enable_hashjoin = off  -- a plan made while the table was empty must not scan it later
set enable_mergejoin = off
set enable_seqscan = off
as $$
    with running as materialized (
        select p.*, p.on_hand + sum(p.on_hand_delta) over earlier as on_hand_after,
            p.reserved + sum(p.reserved_delta) over earlier as reserved_after,
            p.next_version + row_number() over earlier - 1 as version_after,
            row_number() over earlier = count(*) over (partition by p.item_id, p.location_id) as is_last,
            min(p.expires_at) over (partition by p.item_id, p.location_id) as deadline
        from unnest(plain) as p
        window earlier as (partition by p.item_id, p.location_id order by p.ordinal rows unbounded preceding)
    ), decided as materialized (
        select r.ordinal, r.op, r.item_id, r.sku, r.location_id, r.quantity, r.on_hand_delta, r.reserved_delta, r.reservation_id,
            r.owner, r.expires_at, r.idempotency_key, r.fingerprint, r.reason, r.reference, r.correlation_id, r.user_id, r.source,
            r.traceparent, r.in_transit, r.backordered, r.damaged, r.incoming, r.is_last, r.deadline, r.version_after as version,
            r.on_hand_after::bigint as on_hand, r.reserved_after::bigint as reserved, a.available,
            internal.stock_status(a.available, r.threshold) as status
        from running as r
        cross join lateral (select (r.on_hand_after - r.reserved_after)::bigint) as a (available)
        where (select bool_and(internal.fits(f.on_hand_delta - f.reserved_delta, f.on_hand_after, f.reserved_after, f.oversell))
            from running as f)
    ), changed as (
        update inventory.stock_level as s
        set on_hand = d.on_hand, reserved = d.reserved, available = d.available, status = d.status, version = d.version,
            last_movement_at = instant, next_hold_at = least(s.next_hold_at, d.deadline)
        from decided as d
        where d.is_last and s.item_id = d.item_id and s.location_id = d.location_id
    ), recorded as (
        insert into inventory.stock_movement (item_id, location_id, version, type, on_hand_delta, reserved_delta, on_hand, reserved,
            in_transit, backordered, damaged, incoming, available, reason, reference, reservation_id, correlation_id, user_id, source,
            occurred_at, recorded_at, traceparent)
        select d.item_id, d.location_id, d.version,
            case d.op when 'add' then 'receipt' when 'remove' then 'removal' when 'adjust' then 'adjustment' else 'reserve' end,
            d.on_hand_delta, d.reserved_delta, d.on_hand, d.reserved, d.in_transit, d.backordered, d.damaged, d.incoming, d.available,
            d.reason, d.reference, d.reservation_id, d.correlation_id, d.user_id, d.source, instant, instant, d.traceparent
        from decided as d
        order by d.version  -- readers of the log see the movements of a level in the order of its versions
    ), opened as (
        insert into inventory.reservation (id, owner, expires_at, reference, version, created_at, updated_at)
        select d.reservation_id, d.owner, d.expires_at, d.reference, greatest(1, write_plain.version_floor), instant, instant
        from decided as d
        where d.reservation_id is not null
    ), held as (
        insert into inventory.reservation_line (reservation_id, item_id, location_id, quantity, expires_at)
        select d.reservation_id, d.item_id, d.location_id, d.quantity, d.expires_at
        from decided as d
        where d.reservation_id is not null
    ), answered as materialized (
        select d.ordinal, d.idempotency_key, d.fingerprint, case when d.reservation_id is null
            then jsonb_build_object('levels', l.levels)
            else jsonb_build_object('levels', l.levels, 'reservation_id', d.reservation_id, 'status', 'PENDING',
                'expires_at', d.expires_at) end as answer
        from decided as d
        cross join lateral (select jsonb_build_array(jsonb_build_object('sku', d.sku, 'item_id', d.item_id, 'location', d.location_id,
            'quantity', d.quantity, 'on_hand', d.on_hand, 'reserved', d.reserved, 'available', d.available, 'status', d.status,
            'version', d.version))) as l (levels)
    ), kept as (
        insert into inventory.idempotency_key (caller, key, fingerprint, answer)
        select coalesce(write_plain.caller, session_user), a.idempotency_key, a.fingerprint, a.answer
        from answered as a
        where a.idempotency_key is not null
        order by a.idempotency_key  -- two batches with the same keys wait for each other in one order
    )
    select a.ordinal, 'applied', null::text, null::text, null::jsonb, a.answer
    from answered as a
    order by a.ordinal
$$;

comment on function internal.write_plain(internal.plain[], text, timestamptz, bigint) is 'Decides and writes a locked plain batch in one statement.';
