-- Appends one ledger row for each accepted line. A line without a command is a hold that ran out.
create or replace function internal.write_movements(commands internal.command[], lines internal.line[],
    levels internal.level[], instant timestamptz)
returns void
language sql
volatile
set search_path = ''
as $$
    insert into inventory.stock_movement (item_id, location_id, version, type, on_hand_delta, reserved_delta,
        on_hand, reserved, in_transit, backordered, damaged, incoming, available, reason, reason_code, reference, reservation_id, correlation_id,
        user_id, source, occurred_at, recorded_at, traceparent)
    select l.item_id, l.location_id, l.version, l.movement, l.on_hand_delta, l.reserved_delta,
        l.on_hand, l.reserved, v.in_transit, v.backordered, v.damaged, v.incoming, l.on_hand - l.reserved,
        coalesce(c.reason, case l.movement when 'expire' then 'hold expired' end), c.body ->> 'reason_code',
        c.reference, l.reservation_id, c.correlation_id, c.user_id, coalesce(c.source, 'expiry'), coalesce(c.occurred_at, instant), instant, c.traceparent
    from unnest(lines) as l
    left join unnest(commands) as c on c.ordinal = l.ordinal
    join unnest(levels) as v on v.item_id = l.item_id and v.location_id = l.location_id
    where l.version is not null
    order by l.version  -- readers of the log see the movements of a level in the order of its versions
$$;

comment on function internal.write_movements(internal.command[], internal.line[], internal.level[], timestamptz) is 'Appends one ledger row for each accepted line.';
