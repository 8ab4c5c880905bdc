-- The summaries that these items should have by what stock_level holds now, without version and time. A location below zero counts as 0
-- in the totals: it must not hide the stock of another (f11).
-- The breakdowns are put together as text, which takes a third of the time of building them as jsonb (by ||: format takes twice as long), and
-- leave out what is mostly 0.
-- Nothing in them needs to be escaped: constraints hold codes and types of locations to letters, digits, dots and dashes.
create or replace function internal.summaries_of(items uuid[])
returns setof inventory.stock_summary
language sql
stable
rows 1000
set search_path = ''
set enable_hashjoin = off  -- a plan made while the table was empty must not scan it later
set enable_mergejoin = off
set enable_seqscan = off
as $$
    with by_type as (
        select s.item_id, l.type, count(*) as locations, bool_or(s.policy = 'unlimited') as unlimited,
            sum(greatest(s.on_hand, 0))::bigint as on_hand, sum(s.reserved)::bigint as reserved,
            sum(greatest(s.available, 0))::bigint as available, sum(s.in_transit)::bigint as in_transit,
            sum(s.backordered)::bigint as backordered, sum(s.damaged)::bigint as damaged, sum(s.incoming)::bigint as incoming,
            sum(case when s.policy <> 'unlimited' then greatest(-s.available, 0) else 0 end)::bigint as oversold,
            sum(greatest(s.safety_stock, s.reorder_point))::bigint as threshold,
            string_agg('"' || s.location_id || '":{"status":"' || s.status || '","on_hand":' || s.on_hand || ',"reserved":' || s.reserved
                || ',"available":' || s.available
                || case when s.in_transit = 0 then '' else ',"in_transit":' || s.in_transit end
                || case when s.backordered = 0 then '' else ',"backordered":' || s.backordered end
                || case when s.damaged = 0 then '' else ',"damaged":' || s.damaged end
                || case when s.incoming = 0 then '' else ',"incoming":' || s.incoming end || '}', ',') as by_location
        from unnest(items) as k (item_id)
        join inventory.stock_level as s on s.item_id = k.item_id
        join inventory.location as l on l.id = s.location_id
        group by s.item_id, l.type
    ), total as (
        select y.item_id, sum(y.locations)::integer as locations, bool_or(y.unlimited) as unlimited, sum(y.on_hand)::bigint as on_hand,
            sum(y.reserved)::bigint as reserved, sum(y.available)::bigint as available, sum(y.in_transit)::bigint as in_transit,
            sum(y.backordered)::bigint as backordered, sum(y.damaged)::bigint as damaged, sum(y.incoming)::bigint as incoming,
            sum(y.oversold)::bigint as oversold, sum(y.threshold)::bigint as threshold,
            ('{' || string_agg(y.by_location, ',') || '}')::jsonb as by_location,
            ('{' || string_agg('"' || y.type || '":{"locations":' || y.locations || ',"on_hand":' || y.on_hand || ',"reserved":' || y.reserved
                || ',"available":' || y.available
                || case when y.in_transit = 0 then '' else ',"in_transit":' || y.in_transit end
                || case when y.backordered = 0 then '' else ',"backordered":' || y.backordered end
                || case when y.damaged = 0 then '' else ',"damaged":' || y.damaged end
                || case when y.incoming = 0 then '' else ',"incoming":' || y.incoming end
                || case when y.oversold = 0 then '' else ',"oversold":' || y.oversold end || '}', ',') || '}')::jsonb as by_location_type
        from by_type as y
        group by y.item_id
    )
    select t.item_id, i.sku, t.on_hand, t.reserved, t.available, t.in_transit, t.backordered, t.damaged, t.incoming, t.oversold,
        t.threshold, internal.level_status(case when t.unlimited then 'unlimited' else 'deny' end, t.available, t.threshold),
        t.locations, t.by_location, t.by_location_type, null::bigint, null::timestamptz
    from total as t
    join inventory.item as i on i.id = t.item_id
$$;

comment on function internal.summaries_of(uuid[]) is 'The summaries that these items should have by what stock_level holds now.';
