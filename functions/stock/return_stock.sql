-- Takes back what was sold: on_hand, or damaged if state says so.
-- Errors: IV003, IV004, IV006, IV007, IV008, IV010, IV011, IV012, IV015, IV016, IV021, IV023, IV024.
-- Locks the stock_level row. Idempotent by idempotency_key; expected_version makes it a compare-and-set.
-- Security definer because only the owner writes tables.
create or replace function api.return_stock(sku text, location text, quantity bigint, state text default null,
    unit text default null, lot text default null, lot_expires_at timestamptz default null,
    serials text[] default null, idempotency_key text default null, expected_version bigint default null,
    reason text default null, reference text default null, correlation_id text default null,
    user_id text default null, source text default null, occurred_at timestamptz default null,
    traceparent text default null)
returns setof api.stock_effect
language sql
volatile
security definer
rows 1
set search_path = ''
as $$
    select l.sku, l.location, l.type, l.quantity, l.on_hand, l.reserved, l.available, l.in_transit, l.backordered, l.damaged,
        l.incoming, l.status, l.version, l.replayed
    from internal.effects_of(internal.apply_command(jsonb_build_object(
        'op', 'return', 'sku', sku, 'location', location, 'quantity', quantity, 'state', state, 'unit', unit,
        'lot', lot, 'lot_expires_at', lot_expires_at, 'serials', serials, 'idempotency_key', idempotency_key,
        'expected_version', expected_version, 'reason', reason, 'reference', reference,
        'correlation_id', correlation_id, 'user_id', user_id, 'source', source, 'occurred_at', occurred_at,
        'traceparent', traceparent))) as l
$$;

revoke execute on function api.return_stock(text, text, bigint, text, text, text, timestamptz, text[], text, bigint, text, text, text, text, text, timestamptz, text) from public;
grant execute on function api.return_stock(text, text, bigint, text, text, text, timestamptz, text[], text, bigint, text, text, text, text, text, timestamptz, text) to onhand_api, onhand_operator;
comment on function api.return_stock(text, text, bigint, text, text, text, timestamptz, text[], text, bigint, text, text, text, text, text, timestamptz, text) is 'Takes back what was sold, sellable or damaged.';
