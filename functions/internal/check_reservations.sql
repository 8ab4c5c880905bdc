-- Refuses the commands whose reservation is unknown, closed, past its deadline, (for a new one) exists already, or has
-- another version than was expected.
-- Called when the levels of all lines are locked: every change of a reservation first locks the levels of its lines.
create or replace function internal.check_reservations(commands internal.command[], lines internal.line[], instant timestamptz)
returns internal.command[]
language sql
volatile
set search_path = ''
as $$
    select array_agg(row(
        c.ordinal, c.op, c.caller, c.idempotency_key, c.fingerprint, c.reservation_id, c.owner, c.expires_at,
        c.expected_version, c.reason, c.reference, c.correlation_id, c.user_id, c.source, c.occurred_at, c.traceparent, c.body,
        c.replay,
        k.code,
        case when c.code is null and k.code is not null then jsonb_build_object('reservation_id', c.reservation_id,
            'status', r.status, 'expires_at', r.expires_at)
            || case k.code when 'IV006' then jsonb_build_object('version', r.version) else '{}' end else c.detail end, c.special
    )::internal.command order by c.ordinal)
    from unnest(commands) as c
    left join inventory.reservation as r on r.id = c.reservation_id
    left join (select distinct l.reservation_id from unnest(lines) as l) as locked on locked.reservation_id = c.reservation_id
    cross join lateral (select case
        when c.code is not null or c.replay is not null or c.op not in ('reserve', 'confirm', 'cancel', 'expire') then c.code
        when c.op = 'reserve' then case when r.id is not null then 'IV014' end
        when r.id is null then 'IV005'
        -- Made by another session after the lines were read: its levels are not locked. This command came first.
        when locked.reservation_id is null and exists (
            select from inventory.reservation_line as l
            where l.reservation_id = c.reservation_id and internal.is_open(l.status)) then 'IV005'
        -- Freed by this very call, when it locked the levels: that is what was asked for.
        when r.status = 'EXPIRED' and c.op = 'expire' and r.updated_at = instant then null
        when r.status = 'EXPIRED' then 'IV002'
        when r.status <> 'PENDING' then 'IV009'
        when c.op = 'expire' and r.expires_at > instant then 'IV009'
        -- A line that was freed already proves that the deadline has passed, whatever a clock that was set back says.
        when c.op <> 'expire' and (r.expires_at <= instant or exists (
            select from inventory.reservation_line as l
            where l.reservation_id = c.reservation_id and l.status <> 'PENDING')) then 'IV002'
        when c.expected_version <> r.version then 'IV006'
    end) as k (code)
$$;

comment on function internal.check_reservations(internal.command[], internal.line[], timestamptz) is 'Refuses commands whose reservation cannot take them.';
