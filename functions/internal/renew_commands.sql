-- What the commands of a mixed batch have to know of the freeing of due holds before them. Those that expected the version a level had before
-- expect the one that it has now, as internal.renew_expected does for plain lines. Expire commands carry the instant of the freeing as
-- expires_at: what was closed then was closed for them. That is looked at one by one.
create or replace function internal.renew_commands(commands internal.command[], lines internal.line[], levels internal.level[],
    instant timestamptz)
returns internal.command[]
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_renewed record;
begin
    for v_renewed in
        select c.at, s.version
        from unnest(commands) with ordinality as c (ordinal, op, caller, idempotency_key, fingerprint, reservation_id, owner,
            expires_at, expected_version, reason, reference, correlation_id, user_id, source, occurred_at, traceparent, body, replay,
            code, detail, special, at)
        join unnest(lines) as l on l.ordinal = c.ordinal
        join unnest(levels) as v on v.item_id = l.item_id and v.location_id = l.location_id and v.version = c.expected_version
        join inventory.stock_level as s on s.item_id = v.item_id and s.location_id = v.location_id
        -- That of a document does not follow its levels, and what is moved expects that of the place it leaves.
        where c.op in ('add', 'remove', 'adjust', 'reserve', 'return', 'quarantine', 'restore', 'write_off', 'order')
            or c.op in ('move', 'ship') and l.location_id = c.body ->> 'from'
    loop
        commands[v_renewed.at].expected_version := v_renewed.version;
    end loop;
    for v_at in 1 .. cardinality(commands) loop
        commands[v_at].body := internal.renew_lines(commands[v_at].body, levels);
        if commands[v_at].op = 'expire' then
            commands[v_at].expires_at := instant;
            commands[v_at].special := true;
        end if;
    end loop;
    return commands;
end
$$;

comment on function internal.renew_commands(internal.command[], internal.line[], internal.level[], timestamptz) is 'Carries the commands of a mixed batch over the freeing of due holds.';
