-- The answer to each command. Stored answers are given again as they were.
create or replace function internal.answer_commands(commands internal.command[], lines internal.line[], levels internal.level[])
returns internal.answer[]
language sql
stable
set search_path = ''
as $$
    with touched as (
        select l.ordinal, jsonb_agg(jsonb_build_object(
            'sku', l.sku, 'item_id', l.item_id, 'location', l.location_id, 'quantity', l.quantity, 'on_hand', l.on_hand,
            'reserved', l.reserved, 'available', l.on_hand - l.reserved,
            'status', internal.stock_status(l.on_hand - l.reserved, v.threshold), 'version', l.version)
            order by v.position) as levels
        from unnest(lines) as l
        join unnest(levels) as v on v.item_id = l.item_id and v.location_id = l.location_id
        where l.version is not null
        group by l.ordinal
    )
    select array_agg(row(
        c.ordinal,
        case when c.replay is not null then 'replayed' when c.code is not null then 'refused' else 'applied' end,
        c.code, case when c.code is not null then (internal.error_text(c.code)).message end, c.detail,
        coalesce(c.replay, case when c.code is null then
            jsonb_build_object('levels', coalesce(l.levels, '[]'))
            || case when c.op in ('reserve', 'confirm', 'cancel', 'expire') then jsonb_build_object(
                'reservation_id', c.reservation_id,
                'status', case c.op when 'reserve' then 'PENDING' when 'confirm' then 'COMMITTED'
                    when 'cancel' then 'RELEASED' else 'EXPIRED' end)
                else '{}' end
            || case when c.op = 'reserve' then jsonb_build_object('expires_at', c.expires_at) else '{}' end
        end)
    )::internal.answer order by c.ordinal)
    from unnest(commands) as c
    left join touched as l on l.ordinal = c.ordinal
$$;

comment on function internal.answer_commands(internal.command[], internal.line[], internal.level[]) is 'The answer to each command.';
