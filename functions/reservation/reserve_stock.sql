-- Holds available stock until a deadline: one line by sku, location and quantity, or several by
-- lines => '[{"sku", "location", "quantity"}]', all or nothing, demand on one key summed before the check, bundles by their components.
-- partial: what there is, of bundles whole ones. strategy (instead of a location): priority, nearest (in the order of locations), fewest_splits.
-- replace: in place of what this owner holds. Where the policy of a level is backorder, what is short waits its turn.
-- Errors: IV001 insufficient_stock, IV003, IV004, IV006, IV007, IV008, IV010, IV011, IV012, IV014 reservation_exists, IV015, IV016, IV021, IV022.
-- Locks the stock_level rows in key order; holds that are due on them are freed first. Idempotent by idempotency_key.
-- Security definer because only the owner writes tables.
create or replace function api.reserve_stock(sku text default null, location text default null,
    quantity bigint default null, lines jsonb default null, owner text default null,
    expires_in interval default '15 minutes', reservation_id uuid default null, partial boolean default null,
    strategy text default null, locations text[] default null, replace boolean default null, unit text default null,
    lot text default null, idempotency_key text default null, expected_version bigint default null,
    reason text default null, reference text default null, correlation_id text default null,
    user_id text default null, source text default null, occurred_at timestamptz default null,
    traceparent text default null)
returns setof api.reservation_change
language sql
volatile
security definer
rows 2
set search_path = ''
as $$
    select (a.answer ->> 'reservation_id')::uuid, a.answer ->> 'status', (a.answer ->> 'expires_at')::timestamptz,
        l.sku, l.location, l.quantity, l.on_hand, l.reserved, l.available, l.version, l.replayed, l.waiting
    from internal.apply_command(jsonb_build_object(
        'op', 'reserve', 'sku', sku, 'location', location, 'quantity', quantity, 'lines', lines, 'owner', owner,
        'expires_in_seconds', extract(epoch from expires_in), 'reservation_id', reservation_id, 'partial', partial,
        'strategy', strategy, 'locations', locations, 'replace', replace, 'unit', unit, 'lot', lot,
        'idempotency_key', idempotency_key, 'expected_version', expected_version, 'reason', reason,
        'reference', reference, 'correlation_id', correlation_id, 'user_id', user_id, 'source', source,
        'occurred_at', occurred_at, 'traceparent', traceparent)) as a (answer)
    cross join internal.levels_of(a.answer) as l
    -- Not what was freed for it (replace).
    where l.type is distinct from 'release'
$$;

revoke execute on function api.reserve_stock(text, text, bigint, jsonb, text, interval, uuid, boolean, text, text[], boolean, text, text, text, bigint, text, text, text, text, text, timestamptz, text) from public;
grant execute on function api.reserve_stock(text, text, bigint, jsonb, text, interval, uuid, boolean, text, text[], boolean, text, text, text, bigint, text, text, text, text, text, timestamptz, text) to onhand_api, onhand_operator;
comment on function api.reserve_stock(text, text, bigint, jsonb, text, interval, uuid, boolean, text, text[], boolean, text, text, text, bigint, text, text, text, text, text, timestamptz, text) is 'Holds available stock until a deadline.';
