-- Turns a pending reservation into a sale: its stock leaves on_hand and reserved. With lines => '[{"sku", "location", "quantity"}]' only that
-- much is sold and the rest is free again.
-- expected_version: only if the reservation still has this version.
-- Errors: IV001 more than it holds, IV002 reservation_expired (from the instant of its deadline on), IV003 what it does not hold,
-- IV005 unknown_reservation, IV006 stale_version, IV007, IV008, IV009 reservation_not_pending, IV020 reservation_backordered, IV022 lot_not_sellable, IV025.
-- Locks the stock_level rows of its lines in key order, then the reservation. Idempotent by idempotency_key.
-- Security definer because only the owner writes tables.
create or replace function api.confirm_reservation(reservation_id uuid, lines jsonb default null,
    serials text[] default null, idempotency_key text default null, reason text default null,
    reference text default null, correlation_id text default null, user_id text default null,
    source text default null, occurred_at timestamptz default null, traceparent text default null, expected_version bigint default null)
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
        'op', 'confirm', 'reservation_id', reservation_id, 'lines', lines, 'serials', serials,
        'idempotency_key', idempotency_key, 'reason', reason, 'reference', reference,
        'correlation_id', correlation_id, 'user_id', user_id, 'source', source, 'occurred_at', occurred_at,
        'traceparent', traceparent,
        'expected_version', expected_version)) as a (answer)
    cross join internal.levels_of(a.answer) as l
$$;

revoke execute on function api.confirm_reservation(uuid, jsonb, text[], text, text, text, text, text, text, timestamptz, text, bigint) from public;
grant execute on function api.confirm_reservation(uuid, jsonb, text[], text, text, text, text, text, text, timestamptz, text, bigint) to onhand_api, onhand_operator;
comment on function api.confirm_reservation(uuid, jsonb, text[], text, text, text, text, text, text, timestamptz, text, bigint) is 'Turns a pending reservation, or a part of it, into a sale.';
