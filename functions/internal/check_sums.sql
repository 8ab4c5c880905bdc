-- Levels that are not what the ledger adds up to, of those that changed since (null = all); sums begin at a closing balance.
create or replace function internal.check_sums(since timestamptz)
returns setof api.finding
language sql
stable
set search_path = ''
as $$
    with begin as materialized (
        select internal.base_month(greatest(coalesce(check_sums.since, '-infinity'), internal.history_start())) as month
    ), base as (
        select distinct on (c.item_id, c.location_id) c.*
        from inventory.closing_balance as c
        where c.month = (select b.month from begin as b)
        order by c.item_id, c.location_id, c.version desc
    ), moved as (
        select m.item_id, m.location_id, max(m.version) as version, sum(m.on_hand_delta) as on_hand, sum(m.reserved_delta) as reserved,
            sum(m.in_transit_delta) as in_transit, sum(m.backordered_delta) as backordered, sum(m.damaged_delta) as damaged,
            sum(m.incoming_delta) as incoming
        from inventory.stock_movement as m
        left join base as b on b.item_id = m.item_id and b.location_id = m.location_id
        where m.recorded_at >= (select coalesce(internal.month_end(g.month), '-infinity') from begin as g)
            and m.version > coalesce(b.version, 0)
        group by m.item_id, m.location_id
    ), summed as (
        select k.item_id, k.location_id, greatest(b.version, d.version) as version,
            coalesce(b.on_hand, 0) + coalesce(d.on_hand, 0) as on_hand, coalesce(b.reserved, 0) + coalesce(d.reserved, 0) as reserved,
            coalesce(b.in_transit, 0) + coalesce(d.in_transit, 0) as in_transit,
            coalesce(b.backordered, 0) + coalesce(d.backordered, 0) as backordered,
            coalesce(b.damaged, 0) + coalesce(d.damaged, 0) as damaged, coalesce(b.incoming, 0) + coalesce(d.incoming, 0) as incoming
        from (select b.item_id, b.location_id from base as b union select d.item_id, d.location_id from moved as d) as k
        left join base as b on b.item_id = k.item_id and b.location_id = k.location_id
        left join moved as d on d.item_id = k.item_id and d.location_id = k.location_id
    )
    select 'the level is the sum of its ledger', i.sku, coalesce(s.location_id, l.location_id),
        jsonb_build_object('level', to_jsonb(v), 'ledger', to_jsonb(l) - '{item_id,location_id}'::text[])
    from inventory.stock_level as s
    full join summed as l on l.item_id = s.item_id and l.location_id = s.location_id
    left join inventory.item as i on i.id = coalesce(s.item_id, l.item_id)
    cross join lateral (select s.version, s.on_hand, s.reserved, s.in_transit, s.backordered, s.damaged, s.incoming) as v
    where (s.version, s.on_hand, s.reserved, s.in_transit, s.backordered, s.damaged, s.incoming)
            is distinct from (l.version, l.on_hand, l.reserved, l.in_transit, l.backordered, l.damaged, l.incoming)
        and (s.last_movement_at >= coalesce(check_sums.since, '-infinity') or s.item_id is null)
$$;

comment on function internal.check_sums(timestamptz) is 'Levels that are not what the ledger adds up to.';
