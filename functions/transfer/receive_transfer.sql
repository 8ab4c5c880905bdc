-- Second step of a transfer. Without lines everything open has arrived in order. lines => '[{"sku", "received", "damaged", "lost"}]' says what has
-- become of each; with complete, what the lines leave open is lost. Losses are written off in transit, with a reason. What is on its way is
-- received also if its item was archived or the location closed since.
-- expected_version: only if the transfer still has this version.
-- Errors: IV001 more than is open, IV003, IV006 stale_version, IV007, IV008, IV015, IV018 unknown_transfer, IV019 transfer_closed, IV023, IV025.
-- Locks the stock_level rows in key order, then the transfer. Idempotent by idempotency_key.
-- Security definer because only the owner writes tables.
create or replace function api.receive_transfer(transfer_id uuid, lines jsonb default null,
    complete boolean default null, idempotency_key text default null, reason text default null,
    reference text default null, correlation_id text default null, user_id text default null,
    source text default null, occurred_at timestamptz default null, traceparent text default null, expected_version bigint default null)
returns setof api.transfer_change
language sql
volatile
security definer
rows 2
set search_path = ''
as $$
    select (a.answer ->> 'transfer_id')::uuid, a.answer ->> 'status', l.sku, l.location, l.type, l.quantity, l.on_hand, l.reserved,
        l.available, l.in_transit, l.damaged, l.version, l.replayed
    from internal.apply_command(jsonb_build_object(
        'op', 'receive', 'transfer_id', transfer_id, 'lines', lines, 'complete', complete,
        'idempotency_key', idempotency_key, 'reason', reason, 'reference', reference,
        'correlation_id', correlation_id, 'user_id', user_id, 'source', source, 'occurred_at', occurred_at,
        'traceparent', traceparent,
        'expected_version', expected_version)) as a (answer)
    cross join internal.effects_of(a.answer) as l
$$;

revoke execute on function api.receive_transfer(uuid, jsonb, boolean, text, text, text, text, text, text, timestamptz, text, bigint) from public;
grant execute on function api.receive_transfer(uuid, jsonb, boolean, text, text, text, text, text, text, timestamptz, text, bigint) to onhand_api, onhand_operator;
comment on function api.receive_transfer(uuid, jsonb, boolean, text, text, text, text, text, text, timestamptz, text, bigint) is 'Second step of a transfer: goods arrive, are damaged or lost.';
