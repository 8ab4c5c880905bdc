-- What the commands that name a sku do to which stock_level. Lines of one command on one key are summed before anything is checked.
-- A line that names what does not exist or may not be used comes out refused.
create or replace function internal.read_lines(commands internal.command[])
returns internal.line[]
language sql
stable
set search_path = ''
set enable_hashjoin = off  -- a plan made while the tables were empty must not scan them later
set enable_mergejoin = off
set enable_seqscan = off
as $$
    with wanted as (
        select c.ordinal, c.op, c.expected_version, c.reservation_id, c.expires_at, l.line ->> 'sku' as sku,
            l.line ->> 'location' as location_id, sum((l.line -> 'quantity')::numeric) as quantity,
            c.op = 'add' or (c.op = 'move' and l.line ? 'incoming') as incoming
        from unnest(commands) as c
        cross join lateral jsonb_array_elements(case
            when c.op = 'move' then jsonb_build_array(
                jsonb_build_object('sku', c.body -> 'sku', 'location', c.body -> 'from', 'quantity', c.body -> 'quantity'),
                jsonb_build_object('sku', c.body -> 'sku', 'location', c.body -> 'to', 'quantity', c.body -> 'quantity',
                    'incoming', true))
            when c.body ? 'lines' then c.body -> 'lines'
            else jsonb_build_array(c.body) end) as l (line)
        where c.code is null and c.replay is null and c.op in ('add', 'remove', 'adjust', 'reserve', 'move')
        group by c.ordinal, c.op, c.expected_version, c.reservation_id, c.expires_at, 6, 7, 9
    ), known as (
        select w.*, i.id as item_id, i.status as item_status, i.kind, i.tracking, l.status as location_status, l.id as known_location_id,
            case when abs(w.quantity) <= 1000000000000 then w.quantity::bigint end as bounded
        from wanted as w
        left join inventory.item as i on i.sku = w.sku
        left join inventory.location as l on l.id = w.location_id
    )
    select array_agg(row(
        k.ordinal, k.item_id, k.sku, k.location_id,
        case k.op when 'add' then 'receipt' when 'remove' then 'removal' when 'adjust' then 'adjustment'
            when 'reserve' then 'reserve' else case when k.incoming then 'transfer_in' else 'transfer_out' end end,
        k.bounded,
        case when k.op = 'reserve' then 0 when k.op = 'adjust' or k.incoming then k.bounded else -k.bounded end,
        case when k.op = 'reserve' then k.bounded else 0 end,
        k.expected_version, case when k.op = 'reserve' then k.expires_at end, null, null, null,
        case when k.op = 'reserve' then k.reservation_id end,
        case
            when k.bounded is null then 'IV012'
            when k.item_id is null then 'IV003'
            when k.known_location_id is null then 'IV004'
            when k.item_status = 'archived' and (k.incoming or k.op = 'reserve') then 'IV010'
            when k.location_status = 'closed' and (k.incoming or k.op = 'reserve') then 'IV011'
        end,
        jsonb_build_object('sku', k.sku, 'location', k.location_id, 'requested', k.quantity),
        k.kind <> 'physical' or k.tracking <> 'none'
    )::internal.line order by k.ordinal, k.item_id, k.location_id)
    from known as k
$$;

comment on function internal.read_lines(internal.command[]) is 'What commands that name a sku do to which stock_level.';
