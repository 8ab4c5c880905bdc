-- Levels of tracked items that are not the sum of their lots, or the count of their serial numbers, of those that changed since (null = all).
create or replace function internal.check_units(since timestamptz)
returns setof api.finding
language sql
stable
set search_path = ''
as $$
    select case i.tracking when 'lot' then 'a level is the sum of its lots' else 'a level is the count of its serial numbers' end,
        i.sku, s.location_id, jsonb_build_object('level', to_jsonb(v), 'units', to_jsonb(u))
    from inventory.item as i
    join inventory.stock_level as s on s.item_id = i.id
    -- Of units with serial numbers a reservation holds a quantity; of lots on their way the transfer knows.
    cross join lateral (select s.on_hand, s.damaged, case when i.tracking = 'lot' then s.reserved end as reserved,
        case when i.tracking = 'serial' then s.in_transit end as in_transit) as v
    cross join lateral (
        select coalesce(sum(l.on_hand), 0)::bigint as on_hand, coalesce(sum(l.damaged), 0)::bigint as damaged,
            coalesce(sum(l.reserved), 0)::bigint as reserved, null::bigint as in_transit
        from inventory.lot_level as l
        where l.item_id = s.item_id and l.location_id = s.location_id and i.tracking = 'lot'
        having i.tracking = 'lot'
        union all
        select count(*) filter (where n.status = 'in_stock'), count(*) filter (where n.status = 'damaged'), null,
            count(*) filter (where n.status = 'in_transit')
        from inventory.serial as n
        where n.item_id = s.item_id and n.location_id = s.location_id and i.tracking = 'serial'
        having i.tracking = 'serial'
    ) as u
    where i.tracking <> 'none' and s.last_movement_at >= coalesce(check_units.since, '-infinity')
        and (v.on_hand, v.damaged, v.reserved, v.in_transit) is distinct from (u.on_hand, u.damaged, u.reserved, u.in_transit)
$$;

comment on function internal.check_units(timestamptz) is 'Levels of tracked items that are not the sum of their lots or the count of their serial numbers.';
