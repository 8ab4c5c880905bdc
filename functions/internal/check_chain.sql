-- Movements that do not begin where the one before them on their key ended, or whose version does not follow: neither by one, nor as the
-- first of an epoch. The first that is still there follows the closing balance of the last retired month.
create or replace function internal.check_chain()
returns setof api.finding
language sql
stable
set search_path = ''
as $$
    with base as (
        select distinct on (c.item_id, c.location_id) c.*
        from inventory.closing_balance as c
        where c.month = (select max(r.month) from inventory.retired_partition as r)
        order by c.item_id, c.location_id, c.version desc
    ), movement as (
        select m.*, coalesce(lag(m.version) over history, b.version, 0) as version_before,
            coalesce(lag(array[m.on_hand, m.reserved, m.in_transit, m.backordered, m.damaged, m.incoming]) over history,
                array[b.on_hand, b.reserved, b.in_transit, b.backordered, b.damaged, b.incoming]) as before
        from inventory.stock_movement as m
        left join base as b on b.item_id = m.item_id and b.location_id = m.location_id
        where m.version > coalesce(b.version, 0)
        window history as (partition by m.item_id, m.location_id order by m.version)
    )
    select r.rule, i.sku, m.location_id, jsonb_build_object('version', m.version, 'version_before', m.version_before)
    from movement as m
    cross join lateral (
        select 'values follow from those before and the deltas' as rule
        where (m.on_hand, m.reserved, m.in_transit, m.backordered, m.damaged, m.incoming, m.available) is distinct from (
            coalesce(m.before[1], 0) + m.on_hand_delta, coalesce(m.before[2], 0) + m.reserved_delta,
            coalesce(m.before[3], 0) + m.in_transit_delta, coalesce(m.before[4], 0) + m.backordered_delta,
            coalesce(m.before[5], 0) + m.damaged_delta, coalesce(m.before[6], 0) + m.incoming_delta, m.on_hand - m.reserved)
        union all
        select 'versions have no gap'
        where m.version <> m.version_before + 1
            and m.version not in (select e.version_floor from inventory.epoch as e where e.version_floor > m.version_before)
    ) as r
    left join inventory.item as i on i.id = m.item_id
$$;

comment on function internal.check_chain() is 'Movements that do not follow the one before them.';
