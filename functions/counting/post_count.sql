-- Posts an approved count to the ledger, all lines in one step: each adds its variance (counted less what was on hand at the counting moment, by
-- what has been reported until now) to what is on hand now. Lines that were not counted stay as they are. One row for each level that
-- changed; one without a level where nothing differed.
-- expected_version: only if the count still has this version.
-- Errors: IV001 where a variance would take away what reservations hold, IV006 stale_version, IV007, IV008, IV012, IV031 unknown_count, IV032 not approved, IV033; for
-- units IV024. Locks the stock_level rows in key order, then the count. Idempotent by idempotency_key.
-- Security definer because only the owner writes tables.
create or replace function api.post_count(count_id uuid, idempotency_key text default null, reason text default null,
    reference text default null, correlation_id text default null, user_id text default null, source text default null,
    traceparent text default null, expected_version bigint default null)
returns setof api.count_change
language sql
volatile
security definer
rows 20
set search_path = ''
as $$
    select (a.answer ->> 'count_id')::uuid, a.answer ->> 'status', l.sku, l.location, l.variance, l.on_hand, l.reserved, l.available,
        l.version, (a.answer -> 'replayed')::boolean
    from internal.apply_command(jsonb_build_object(
        'op', 'count', 'count_id', count_id, 'idempotency_key', idempotency_key, 'reason', reason, 'reference', reference,
        'correlation_id', correlation_id, 'user_id', user_id, 'source', source, 'traceparent', traceparent,
        'expected_version', expected_version)) as a (answer)
    left join lateral jsonb_to_recordset(a.answer -> 'levels') as l (sku text, location text, variance bigint, on_hand bigint,
        reserved bigint, available bigint, version bigint) on true
$$;

revoke execute on function api.post_count(uuid, text, text, text, text, text, text, text, bigint) from public;
grant execute on function api.post_count(uuid, text, text, text, text, text, text, text, bigint) to onhand_api, onhand_operator;
comment on function api.post_count(uuid, text, text, text, text, text, text, text, bigint) is 'Posts an approved count to the ledger, all lines in one step.';
