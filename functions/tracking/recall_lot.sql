-- Recalls a lot: from now on it is not sold anywhere. What is free of it becomes damaged; what reservations hold stays with them, and confirming
-- those is refused (IV022) until they are cancelled. One row for each location where something lies of it (one without a location if
-- nothing does); api.trace_lot says who has the rest.
-- expected_version: only if the lot still has this version.
-- Errors: IV003 unknown_item, IV006 stale_version, IV007 idempotency_key_reused, IV008 invalid_argument, IV021 unknown_lot.
-- Locks the stock_level rows of the lot in key order, then the lot. Idempotent by idempotency_key, and by itself: a second recall
-- changes nothing. Security definer because only the owner writes tables.
create or replace function api.recall_lot(sku text, lot text, reason text default null,
    idempotency_key text default null, reference text default null, correlation_id text default null, user_id text default null,
    source text default null, occurred_at timestamptz default null, traceparent text default null, expected_version bigint default null)
returns setof api.lot_recall
language sql
volatile
security definer
rows 5
set search_path = ''
as $$
    -- A level in the answer is as the command left it, with what it gave to those who wait.
    select a.answer ->> 'sku', a.answer ->> 'lot', (a.answer ->> 'recalled_at')::timestamptz, p.location, coalesce(l.quantity, 0),
        coalesce(p.held, 0), coalesce(l.available, p.available), p.damaged, coalesce(l.version, p.version), (a.answer -> 'replayed')::boolean
    from internal.apply_command(jsonb_build_object(
        'op', 'recall', 'sku', sku, 'lot', lot, 'reason', reason,
        'idempotency_key', idempotency_key, 'reference', reference, 'correlation_id', correlation_id, 'user_id', user_id,
        'source', source, 'occurred_at', occurred_at, 'traceparent', traceparent,
        'expected_version', expected_version)) as a (answer)
    left join lateral jsonb_to_recordset(a.answer -> 'places')
        as p (location text, held bigint, damaged bigint, available bigint, version bigint) on true
    left join internal.levels_of(a.answer) as l on l.location = p.location
    order by p.location collate "C"
$$;

revoke execute on function api.recall_lot(text, text, text, text, text, text, text, text, timestamptz, text, bigint) from public;
grant execute on function api.recall_lot(text, text, text, text, text, text, text, text, timestamptz, text, bigint) to onhand_api, onhand_operator;
comment on function api.recall_lot(text, text, text, text, text, text, text, text, timestamptz, text, bigint) is 'Recalls a lot: takes it from sale everywhere.';
