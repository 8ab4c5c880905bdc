-- Levels whose incoming units are not what purchase orders have not received and not called off, of those that changed since (null = all).
create or replace function internal.check_incoming(since timestamptz)
returns setof api.finding
language sql
stable
set search_path = ''
as $$
    with ordered as (
        -- What a supplier sends beyond the order was never incoming.
        select l.item_id, o.location_id, sum(greatest(l.ordered - l.received - l.damaged - l.cancelled, 0)) as quantity
        from inventory.purchase_order_line as l
        join inventory.purchase_order as o on o.id = l.purchase_order_id
        group by l.item_id, o.location_id
    )
    select 'incoming is what purchase orders have open', i.sku, coalesce(s.location_id, o.location_id),
        jsonb_build_object('level', s.incoming, 'orders', o.quantity)
    from inventory.stock_level as s
    full join ordered as o on o.item_id = s.item_id and o.location_id = s.location_id
    left join inventory.item as i on i.id = coalesce(s.item_id, o.item_id)
    where coalesce(s.incoming, 0) <> coalesce(o.quantity, 0)
        and (s.last_movement_at >= coalesce(check_incoming.since, '-infinity') or s.item_id is null)
$$;

comment on function internal.check_incoming(timestamptz) is 'Levels whose incoming units are not what purchase orders have open.';
