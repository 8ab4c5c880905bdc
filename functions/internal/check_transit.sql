-- Levels whose units in transit are not what transfers to them have shipped and neither delivered, lost nor called back.
create or replace function internal.check_transit(since timestamptz)
returns setof api.finding
language sql
stable
set search_path = ''
as $$
    with travelling as (
        select l.item_id, t.to_location as location_id, sum(l.shipped - l.received - l.damaged - l.lost - l.returned) as quantity
        from inventory.transfer_line as l
        join inventory.transfer as t on t.id = l.transfer_id
        group by l.item_id, t.to_location
    )
    select 'in transit is what transfers have shipped and not settled', i.sku, coalesce(s.location_id, v.location_id),
        jsonb_build_object('level', s.in_transit, 'transfers', v.quantity)
    from inventory.stock_level as s
    full join travelling as v on v.item_id = s.item_id and v.location_id = s.location_id
    left join inventory.item as i on i.id = coalesce(s.item_id, v.item_id)
    where coalesce(s.in_transit, 0) <> coalesce(v.quantity, 0)
        and (s.last_movement_at >= coalesce(check_transit.since, '-infinity') or s.item_id is null)
    union all
    select 'a transfer is open as long as something of it is', null, t.to_location,
        jsonb_build_object('transfer_id', t.id, 'status', t.status, 'open', o.quantity)
    from inventory.transfer as t
    cross join lateral (
        select coalesce(sum(l.shipped - l.received - l.damaged - l.lost - l.returned), 0) as quantity
        from inventory.transfer_line as l
        where l.transfer_id = t.id
    ) as o
    where (t.status = 'IN_TRANSIT') <> (o.quantity > 0)
        and t.updated_at >= coalesce(check_transit.since, '-infinity')
$$;

comment on function internal.check_transit(timestamptz) is 'Levels whose units in transit are not what transfers have shipped and not settled.';
