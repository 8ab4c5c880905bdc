-- Gives back what a pending reservation holds. Errors: IV002 reservation_expired, IV005 unknown_reservation, IV006 stale_version, IV007, IV008,
-- IV009 reservation_not_pending.
-- Locks the stock_level rows of its lines in key order, then the reservation. Idempotent by idempotency_key.
-- Security definer because only the owner writes tables.
-- expected_version: only if the reservation still has this version.
create or replace function api.cancel_reservation(reservation_id uuid, idempotency_key text default null,
    reason text default null, reference text default null, correlation_id text default null,
    user_id text default null, source text default null, occurred_at timestamptz default null,
    traceparent text default null, expected_version bigint default null)
returns setof api.reservation_change
language sql
volatile
security definer
rows 2
set search_path = ''
as $$
    select (a.answer ->> 'reservation_id')::uuid, a.answer ->> 'status', (a.answer ->> 'expires_at')::timestamptz,
        l.sku, l.location, l.quantity, l.on_hand, l.reserved, l.available, l.version, l.replayed, l.waiting
    from internal.apply_command(jsonb_build_object(
        'op', 'cancel', 'reservation_id', reservation_id, 'idempotency_key', idempotency_key, 'reason', reason,
        'reference', reference, 'correlation_id', correlation_id, 'user_id', user_id, 'source', source,
        'occurred_at', occurred_at, 'traceparent', traceparent,
        'expected_version', expected_version)) as a (answer)
    cross join internal.levels_of(a.answer) as l
$$;

revoke execute on function api.cancel_reservation(uuid, text, text, text, text, text, text, timestamptz, text, bigint) from public;
grant execute on function api.cancel_reservation(uuid, text, text, text, text, text, text, timestamptz, text, bigint) to onhand_api, onhand_operator;
comment on function api.cancel_reservation(uuid, text, text, text, text, text, text, timestamptz, text, bigint) is 'Gives back what a pending reservation holds.';
