-- Receives goods on a purchase order. Without lines everything that is open has arrived in order; lines =>
-- '[{"sku", "received", "damaged", "unit", "lot", "lot_expires_at", "serials"}]' says what has arrived, sellable and damaged. More than was
-- ordered is accepted: incoming goes down by what was open, the rest is stock like any other, and the line of the order shows it.
-- What is still open stays incoming until it comes or is called off. May be called again for each delivery.
-- expected_version: only if the purchase order still has this version.
-- Errors: IV003 not on the order, IV006 stale_version, IV007, IV008 (also where nothing arrived), IV012, IV015, IV023, IV024, IV029 unknown_purchase_order,
-- IV030 purchase_order_closed. Locks the stock_level rows in key order, then the order. Idempotent by idempotency_key.
-- Security definer because only the owner writes tables.
create or replace function api.receive_purchase_order(purchase_order_id uuid, lines jsonb default null,
    idempotency_key text default null, reason text default null, reference text default null,
    correlation_id text default null, user_id text default null, source text default null,
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
        'op', 'receive_order', 'purchase_order_id', purchase_order_id, 'lines', lines,
        'idempotency_key', idempotency_key, 'reason', reason, 'reference', reference, 'correlation_id', correlation_id,
        'user_id', user_id, 'source', source, 'occurred_at', occurred_at, 'traceparent', traceparent,
        'expected_version', expected_version)) as a (answer)
    cross join internal.effects_of(a.answer) as l
$$;

revoke execute on function api.receive_purchase_order(uuid, jsonb, text, text, text, text, text, text, timestamptz, text, bigint) from public;
grant execute on function api.receive_purchase_order(uuid, jsonb, text, text, text, text, text, text, timestamptz, text, bigint) to onhand_api, onhand_operator;
comment on function api.receive_purchase_order(uuid, jsonb, text, text, text, text, text, text, timestamptz, text, bigint) is 'Receives goods on a purchase order, sellable and damaged.';
