-- Moves available stock from one location to another in one step: two ledger rows, out and in. For goods that are on the way for a while
-- see api.ship_stock.
-- expected_version: only if the level at from_location still has this version (0 = no row yet).
-- Errors: IV001 insufficient_stock, IV003, IV004, IV006 stale_version, IV007, IV008, IV010, IV011 (closed destination), IV012, IV015, IV016, IV021 to IV023, IV025.
-- Locks both stock_level rows in key order, so that opposite moves never deadlock. Idempotent by idempotency_key.
-- Security definer because only the owner writes tables.
create or replace function api.move_stock(sku text, from_location text, to_location text, quantity bigint,
    unit text default null, lot text default null, serials text[] default null, idempotency_key text default null,
    reason text default null, reference text default null, correlation_id text default null,
    user_id text default null, source text default null, occurred_at timestamptz default null,
    traceparent text default null, expected_version bigint default null)
returns setof api.stock_change
language sql
volatile
security definer
rows 2
set search_path = ''
as $$
    select l.sku, l.location, l.on_hand, l.reserved, l.available, l.status, l.version, l.replayed
    from internal.levels_of(internal.apply_command(jsonb_build_object(
        'op', 'move', 'sku', sku, 'from', from_location, 'to', to_location, 'quantity', quantity, 'unit', unit,
        'lot', lot, 'serials', serials, 'idempotency_key', idempotency_key, 'reason', reason, 'reference', reference,
        'correlation_id', correlation_id, 'user_id', user_id, 'source', source, 'occurred_at', occurred_at,
        'traceparent', traceparent,
        'expected_version', expected_version))) as l
$$;

revoke execute on function api.move_stock(text, text, text, bigint, text, text, text[], text, text, text, text, text, text, timestamptz, text, bigint) from public;
grant execute on function api.move_stock(text, text, text, bigint, text, text, text[], text, text, text, text, text, text, timestamptz, text, bigint) to onhand_api, onhand_operator;
comment on function api.move_stock(text, text, text, bigint, text, text, text[], text, text, text, text, text, text, timestamptz, text, bigint) is 'Moves available stock from one location to another in one step.';
