-- First step of a transfer: stock leaves one location and is in transit to another. One sku and quantity, or lines => '[{"sku", "quantity"}]'.
-- expected_version: only if the level at from_location still has this version (0 = no row yet); lines may have one each.
-- Errors: IV001 insufficient_stock, IV003, IV004, IV006 stale_version, IV007, IV008, IV010, IV011 (closed destination), IV012, IV015, IV016, IV021 to IV023, IV025.
-- Locks the stock_level rows of both locations in key order. Idempotent by idempotency_key.
-- Security definer because only the owner writes tables.
create or replace function api.ship_stock(from_location text default null, to_location text default null,
    sku text default null, quantity bigint default null, lines jsonb default null, unit text default null,
    lot text default null, serials text[] default null, idempotency_key text default null, reason text default null,
    reference text default null, correlation_id text default null, user_id text default null,
    source text default null, occurred_at timestamptz default null, traceparent text default null, expected_version bigint default null)
returns setof api.transfer_change
language sql
volatile
security definer
rows 2
set search_path = ''
as $$
    select (a.answer ->> 'transfer_id')::uuid, a.answer ->> 'status', l.sku, l.location, l.type, l.quantity, l.on_hand, l.reserved,
        l.available, l.in_transit, l.damaged, l.version, l.replayed
    from internal.apply_command(jsonb_build_object(
        'op', 'ship', 'from', from_location, 'to', to_location, 'sku', sku, 'quantity', quantity, 'lines', lines,
        'unit', unit, 'lot', lot, 'serials', serials, 'idempotency_key', idempotency_key, 'reason', reason,
        'reference', reference, 'correlation_id', correlation_id, 'user_id', user_id, 'source', source,
        'occurred_at', occurred_at, 'traceparent', traceparent,
        'expected_version', expected_version)) as a (answer)
    cross join internal.effects_of(a.answer) as l
$$;

revoke execute on function api.ship_stock(text, text, text, bigint, jsonb, text, text, text[], text, text, text, text, text, text, timestamptz, text, bigint) from public;
grant execute on function api.ship_stock(text, text, text, bigint, jsonb, text, text, text[], text, text, text, text, text, text, timestamptz, text, bigint) to onhand_api, onhand_operator;
comment on function api.ship_stock(text, text, text, bigint, jsonb, text, text, text[], text, text, text, text, text, text, timestamptz, text, bigint) is 'First step of a transfer: stock leaves one location for another.';
