-- Levels whose reserved or backordered units are not those of the open reservation lines, of those that changed since (null = all).
create or replace function internal.check_holds(since timestamptz)
returns setof api.finding
language sql
stable
set search_path = ''
as $$
    with held as (
        select r.item_id, r.location_id, sum(r.quantity - r.backordered) as reserved, sum(r.backordered) as backordered
        from inventory.reservation_line as r
        where r.status = 'PENDING'
        group by r.item_id, r.location_id
    )
    select 'reserved and backordered are what open reservation lines hold', i.sku, coalesce(s.location_id, h.location_id),
        jsonb_build_object('level', jsonb_build_object('reserved', s.reserved, 'backordered', s.backordered),
            'lines', jsonb_build_object('reserved', h.reserved, 'backordered', h.backordered))
    from inventory.stock_level as s
    full join held as h on h.item_id = s.item_id and h.location_id = s.location_id
    left join inventory.item as i on i.id = coalesce(s.item_id, h.item_id)
    where (s.reserved, s.backordered) is distinct from (coalesce(h.reserved, 0), coalesce(h.backordered, 0))
        and (s.last_movement_at >= coalesce(check_holds.since, '-infinity') or s.item_id is null)
$$;

comment on function internal.check_holds(timestamptz) is 'Levels whose reserved or backordered units are not those of the open reservation lines.';
