-- Calls off what is still open on a purchase order; what has arrived stays.
-- expected_version: only if the purchase order still has this version.
-- Errors: IV006 stale_version, IV007, IV008, IV029 unknown_purchase_order, IV030 purchase_order_closed.
-- Locks the stock_level rows in key order, then the order. Idempotent by idempotency_key.
-- Security definer because only the owner writes tables.
create or replace function api.cancel_purchase_order(purchase_order_id uuid, idempotency_key text default null,
    reason text default null, reference text default null, correlation_id text default null, user_id text default null,
    source text default null, occurred_at timestamptz default null, traceparent text default null, expected_version bigint default null)
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
        'op', 'cancel_order', 'purchase_order_id', purchase_order_id, 'idempotency_key', idempotency_key,
        'reason', reason, 'reference', reference, 'correlation_id', correlation_id, 'user_id', user_id,
        'source', source, 'occurred_at', occurred_at, 'traceparent', traceparent,
        'expected_version', expected_version)) as a (answer)
    cross join internal.effects_of(a.answer) as l
$$;

revoke execute on function api.cancel_purchase_order(uuid, text, text, text, text, text, text, timestamptz, text, bigint) from public;
grant execute on function api.cancel_purchase_order(uuid, text, text, text, text, text, text, timestamptz, text, bigint) to onhand_api, onhand_operator;
comment on function api.cancel_purchase_order(uuid, text, text, text, text, text, text, timestamptz, text, bigint) is 'Calls off what is still open on a purchase order.';
