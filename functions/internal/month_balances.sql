-- What the closing balances of a month are, from those of the month before and the movements of the month alone: the cost follows the
-- movements of one month and the number of levels, not the length of the history.
create or replace function internal.month_balances(month date)
returns setof inventory.closing_balance
language sql
stable
rows 10000
set search_path = ''
as $$
    with before as (
        select distinct on (c.item_id, c.location_id) c.*
        from inventory.closing_balance as c
        where c.month = (month_balances.month - interval '1 month')::date
        order by c.item_id, c.location_id, c.version desc
    ), last as (
        select distinct on (m.item_id, m.location_id) m.*
        from inventory.stock_movement as m
        where m.recorded_at >= internal.month_start(month_balances.month)
            and m.recorded_at < internal.month_end(month_balances.month)
        order by m.item_id, m.location_id, m.version desc
    ), setting as (
        select distinct on (m.item_id, m.location_id) m.item_id, m.location_id, m.version, m.detail
        from inventory.stock_movement as m
        where m.recorded_at >= internal.month_start(month_balances.month)
            and m.recorded_at < internal.month_end(month_balances.month)
            and m.type = 'policy' and m.detail ? 'policy'
        order by m.item_id, m.location_id, m.version desc
    ), ended as (
        -- What was before counts on where nothing came, or only what a clock set back had recorded in the month before already.
        select l.item_id, l.location_id, l.version, l.on_hand, l.reserved, l.in_transit, l.backordered, l.damaged, l.incoming,
            l.recorded_at,
            coalesce(s.detail,
                jsonb_build_object('safety_stock', b.safety_stock, 'reorder_point', b.reorder_point, 'policy', b.policy)) as settings
        from last as l
        left join before as b on b.item_id = l.item_id and b.location_id = l.location_id
        left join setting as s on s.item_id = l.item_id and s.location_id = l.location_id and s.version > coalesce(b.version, 0)
        where l.version > coalesce(b.version, 0)
    )
    select month_balances.month, e.item_id, e.location_id, e.version, e.on_hand, e.reserved, e.in_transit, e.backordered, e.damaged,
        e.incoming, e.on_hand - e.reserved, (v.settings ->> 'safety_stock')::bigint, (v.settings ->> 'reorder_point')::bigint,
        v.settings ->> 'policy', e.recorded_at
    from ended as e
    cross join lateral (select case when e.settings ->> 'policy' is null
        then internal.settings_of(e.item_id, e.location_id, e.version) else e.settings end as settings) as v
    union all
    select month_balances.month, b.item_id, b.location_id, b.version, b.on_hand, b.reserved, b.in_transit, b.backordered, b.damaged,
        b.incoming, b.available, coalesce((v.settings ->> 'safety_stock')::bigint, b.safety_stock),
        coalesce((v.settings ->> 'reorder_point')::bigint, b.reorder_point), coalesce(v.settings ->> 'policy', b.policy),
        b.last_recorded_at
    from before as b
    left join last as l on l.item_id = b.item_id and l.location_id = b.location_id
    cross join lateral (select case when l.version is not null
        then internal.settings_of(b.item_id, b.location_id, b.version) end as settings) as v
    where l.version is null or l.version <= b.version
$$;

comment on function internal.month_balances(date) is 'What the closing balances of a month are, from those of the month before and its movements.';
