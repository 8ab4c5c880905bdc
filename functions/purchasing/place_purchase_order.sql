-- Orders goods from a supplier for a location: lines => '[{"sku", "quantity", "unit", "unit_cost", "currency"}]', prices for one base unit in
-- the smallest unit of the currency, from the terms of the supplier where a line has none. What is ordered is incoming there from now on.
-- Minimum quantities and packs of the supplier are not enforced: api.suggest_order_quantity keeps to them.
-- A line may have the expected_version of its level there (0 = no row yet); of an order of one line it may be said beside it.
-- Errors: IV003, IV004, IV006 stale_version, IV007, IV008, IV010 item_archived, IV011 location_closed, IV012, IV015, IV016, IV028 unknown_supplier.
-- Locks the stock_level rows in key order. Idempotent by idempotency_key. Security definer because only the owner writes tables.
create or replace function api.place_purchase_order(supplier text, location text, lines jsonb,
    expected_at timestamptz default null, reference text default null, idempotency_key text default null,
    reason text default null, correlation_id text default null, user_id text default null, source text default null,
    occurred_at timestamptz default null, traceparent text default null, expected_version bigint default null)
returns setof api.purchase_order_change
language sql
volatile
security definer
rows 5
set search_path = ''
as $$
    select (a.answer ->> 'purchase_order_id')::uuid, a.answer ->> 'status', l.sku, l.location, l.type, l.quantity, l.on_hand,
        l.reserved, l.available, l.damaged, l.incoming, l.version, l.replayed
    from internal.apply_command(jsonb_build_object(
        'op', 'order', 'supplier', supplier, 'location', location, 'lines', lines, 'expected_at', expected_at,
        'idempotency_key', idempotency_key, 'reason', reason, 'reference', reference, 'correlation_id', correlation_id,
        'user_id', user_id, 'source', source, 'occurred_at', occurred_at, 'traceparent', traceparent,
        'expected_version', expected_version)) as a (answer)
    cross join internal.effects_of(a.answer) as l
$$;

revoke execute on function api.place_purchase_order(text, text, jsonb, timestamptz, text, text, text, text, text, text, timestamptz, text, bigint) from public;
grant execute on function api.place_purchase_order(text, text, jsonb, timestamptz, text, text, text, text, text, text, timestamptz, text, bigint) to onhand_api, onhand_operator;
comment on function api.place_purchase_order(text, text, jsonb, timestamptz, text, text, text, text, text, text, timestamptz, text, bigint) is 'Orders goods from a supplier for a location: they are incoming there.';
