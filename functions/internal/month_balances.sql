-- What the closing balances of a month are, from those of the month before and the movements of the month alone: the cost follows the
-- movements of one month and the number of levels, not the length of the history. Settings that nobody has set by then are those that the first
-- policy movement after it replaced, or those that the level still has.
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
        select distinct on (m.item_id, m.location_id) m.item_id, m.location_id, m.version, m.on_hand, m.reserved, m.in_transit,
            m.backordered, m.damaged, m.incoming, m.recorded_at
        from inventory.stock_movement as m
        where m.recorded_at >= internal.month_start(month_balances.month)
            and m.recorded_at < internal.month_end(month_balances.month)
        order by m.item_id, m.location_id, m.version desc
    ), ended as (
        -- What was before counts on where nothing came, or only what a clock set back had recorded in the month before already.
        select l.* from last as l
        where not exists (
            select from before as b where b.item_id = l.item_id and b.location_id = l.location_id and b.version >= l.version)
        union all
        select b.item_id, b.location_id, b.version, b.on_hand, b.reserved, b.in_transit, b.backordered, b.damaged, b.incoming,
            b.last_recorded_at
        from before as b
        where not exists (
            select from last as l where l.item_id = b.item_id and l.location_id = b.location_id and l.version > b.version)
    ), setting as (
        select distinct on (m.item_id, m.location_id) m.item_id, m.location_id, m.version, m.detail
        from inventory.stock_movement as m
        where m.recorded_at >= internal.month_start(month_balances.month)
            and m.recorded_at < internal.month_end(month_balances.month)
            and m.type = 'policy' and m.detail ? 'policy'
        order by m.item_id, m.location_id, m.version desc
    ), replaced as (
        select distinct on (m.item_id, m.location_id) m.item_id, m.location_id, m.detail -> 'before' as detail
        from inventory.stock_movement as m
        where m.recorded_at >= internal.month_end(month_balances.month) and m.type = 'policy' and m.detail ? 'before'
        order by m.item_id, m.location_id, m.version
    )
    select month_balances.month, e.item_id, e.location_id, e.version, e.on_hand, e.reserved, e.in_transit, e.backordered, e.damaged,
        e.incoming, e.on_hand - e.reserved,
        coalesce((s.detail ->> 'safety_stock')::bigint, b.safety_stock, (r.detail ->> 'safety_stock')::bigint, k.safety_stock),
        coalesce((s.detail ->> 'reorder_point')::bigint, b.reorder_point, (r.detail ->> 'reorder_point')::bigint, k.reorder_point),
        coalesce(s.detail ->> 'policy', b.policy, r.detail ->> 'policy', k.policy), e.recorded_at
    from ended as e
    left join setting as s on s.item_id = e.item_id and s.location_id = e.location_id and s.version <= e.version
    left join before as b on b.item_id = e.item_id and b.location_id = e.location_id
    left join replaced as r on r.item_id = e.item_id and r.location_id = e.location_id
    left join inventory.stock_level as k on k.item_id = e.item_id and k.location_id = e.location_id
$$;

comment on function internal.month_balances(date) is 'What the closing balances of a month are, from those of the month before and its movements.';
