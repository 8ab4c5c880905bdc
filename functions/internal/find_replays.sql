-- Answers stored under the idempotency keys of these commands: the same request gets its old answer, another one is refused.
create or replace function internal.find_replays(commands internal.command[])
returns internal.command[]
language sql
stable
set search_path = ''
as $$
    select array_agg(row(
        c.ordinal, c.op, c.caller, c.idempotency_key, c.fingerprint, c.reservation_id, c.owner, c.expires_at,
        c.expected_version, c.reason, c.reference, c.correlation_id, c.user_id, c.source, c.occurred_at, c.traceparent, c.body,
        case when s.fingerprint = c.fingerprint then s.answer end,
        case when s.fingerprint <> c.fingerprint then 'IV007' else c.code end,
        case when s.fingerprint <> c.fingerprint then internal.problem('idempotency_key', 'was used for another request')
            else c.detail end, c.special
    )::internal.command order by c.ordinal)
    from unnest(commands) as c
    left join inventory.idempotency_key as s on s.caller = c.caller and s.key = c.idempotency_key
$$;

comment on function internal.find_replays(internal.command[]) is 'Fills in the stored answers of keyed commands that were applied before.';
