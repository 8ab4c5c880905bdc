-- Receives stock of an item at a location; makes the stock_level row if it is the first. unit: the quantity is in that unit of the item.
-- Items tracked by lot need the lot (made if it is new), those with serial numbers as many of them as the quantity says.
-- Errors: IV003 unknown_item, IV004 unknown_location, IV006 stale_version, IV007 idempotency_key_reused, IV008 invalid_argument,
-- IV010 item_archived, IV011 location_closed, IV012 quantity_out_of_range, IV015 unknown_unit, IV016 not_stockable, IV023, IV024.
-- Locks the stock_level row. Idempotent by idempotency_key; expected_version makes it a compare-and-set (0 = no row yet).
-- Security definer because only the owner writes tables.
create or replace function api.add_stock(sku text, location text, quantity bigint, unit text default null,
    lot text default null, lot_expires_at timestamptz default null, serials text[] default null,
    idempotency_key text default null, expected_version bigint default null, reason text default null,
    reference text default null, correlation_id text default null, user_id text default null,
    source text default null, occurred_at timestamptz default null, traceparent text default null)
returns setof api.stock_change
language sql
volatile
security definer
rows 1
set search_path = ''
as $$
    select l.sku, l.location, l.on_hand, l.reserved, l.available, l.status, l.version, l.replayed
    from internal.levels_of(internal.apply_command(jsonb_build_object(
        'op', 'add', 'sku', sku, 'location', location, 'quantity', quantity, 'unit', unit, 'lot', lot,
        'lot_expires_at', lot_expires_at, 'serials', serials, 'idempotency_key', idempotency_key,
        'expected_version', expected_version, 'reason', reason, 'reference', reference,
        'correlation_id', correlation_id, 'user_id', user_id, 'source', source, 'occurred_at', occurred_at,
        'traceparent', traceparent))) as l
$$;

revoke execute on function api.add_stock(text, text, bigint, text, text, timestamptz, text[], text, bigint, text, text, text, text, text, timestamptz, text) from public;
grant execute on function api.add_stock(text, text, bigint, text, text, timestamptz, text[], text, bigint, text, text, text, text, text, timestamptz, text) to onhand_api, onhand_operator;
comment on function api.add_stock(text, text, bigint, text, text, timestamptz, text[], text, bigint, text, text, text, text, text, timestamptz, text) is 'Receives stock of an item at a location.';
