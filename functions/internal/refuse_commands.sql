-- Carries the first refusal among the lines of a command over to the command, which then does nothing at all.
create or replace function internal.refuse_commands(commands internal.command[], lines internal.line[])
returns internal.command[]
language sql
immutable
set search_path = ''
as $$
    select array_agg(row(
        c.ordinal, c.op, c.caller, c.idempotency_key, c.fingerprint, c.reservation_id, c.owner, c.expires_at,
        c.expected_version, c.reason, c.reference, c.correlation_id, c.user_id, c.source, c.occurred_at, c.traceparent, c.body,
        c.replay, coalesce(c.code, r.code), case when c.code is null then r.detail else c.detail end, c.special
    )::internal.command order by c.ordinal)
    from unnest(commands) as c
    left join (
        select distinct on (l.ordinal) l.ordinal, l.code, l.detail
        from unnest(lines) as l
        where l.code is not null
        order by l.ordinal, l.item_id, l.location_id
    ) as r on r.ordinal = c.ordinal
$$;

comment on function internal.refuse_commands(internal.command[], internal.line[]) is 'Refuses the commands that have a refused line.';
