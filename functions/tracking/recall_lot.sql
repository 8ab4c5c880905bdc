-- Recalls a lot: from now on it is not sold anywhere. What is free of it becomes damaged; what reservations hold stays with them, and confirming
-- those is refused (IV022) until they are cancelled. One row for each location where something lies of it (one without a location if
-- nothing does); api.trace_lot says who has the rest.
-- Errors: IV003 unknown_item, IV007 idempotency_key_reused, IV008 invalid_argument, IV021 unknown_lot.
-- Locks the stock_level rows of the lot in key order, then the lot. Idempotent by idempotency_key, and by itself: a second recall
-- changes nothing. Security definer because only the owner writes tables.
create or replace function api.recall_lot(sku text, lot text, reason text default null,
    idempotency_key text default null, reference text default null, correlation_id text default null, user_id text default null,
    source text default null, occurred_at timestamptz default null, traceparent text default null)
returns setof api.lot_recall
language plpgsql
volatile
security definer
rows 5
set search_path = ''
as $$
declare
    v_answer constant jsonb := internal.apply_command(jsonb_build_object(
        'op', 'recall', 'sku', sku, 'lot', lot, 'reason', reason,
        'idempotency_key', idempotency_key, 'reference', reference, 'correlation_id', correlation_id, 'user_id', user_id,
        'source', source, 'occurred_at', occurred_at, 'traceparent', traceparent));
begin
    return query
    select i.sku, t.code, t.recalled_at, v.location_id, coalesce(l.quantity, 0), coalesce(v.reserved, 0), s.available, v.damaged,
        s.version, (v_answer -> 'replayed')::boolean
    from inventory.item as i
    join inventory.lot as t on t.item_id = i.id and t.code = recall_lot.lot
    left join inventory.lot_level as v on v.lot_id = t.id and (v.on_hand > 0 or v.damaged > 0)
    left join inventory.stock_level as s on s.item_id = v.item_id and s.location_id = v.location_id
    left join internal.levels_of(v_answer) as l on l.location = v.location_id
    where i.sku = recall_lot.sku
    order by v.location_id;
end
$$;

revoke execute on function api.recall_lot(text, text, text, text, text, text, text, text, timestamptz, text) from public;
grant execute on function api.recall_lot(text, text, text, text, text, text, text, text, timestamptz, text) to onhand_api, onhand_operator;
comment on function api.recall_lot(text, text, text, text, text, text, text, text, timestamptz, text) is 'Recalls a lot: takes it from sale everywhere.';
