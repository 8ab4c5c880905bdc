-- Items at open locations whose inventory position has come down to their reorder point: min_level where they are planned by min_max, else that of
-- the stock level, if it is set (above 0) or the item is planned there. The most urgent first: those whose position is lowest against it.
-- Archived items, bundles and what is never short (policy unlimited) are not ordered.
create or replace function internal.reorder_candidates(location_id text, supplier text, max_rows integer, instant timestamptz)
returns table (item_id uuid, location text, level inventory.stock_level, inventory_position bigint, reorder_point bigint)
language sql
stable
rows 100
set search_path = ''
as $$
    select i.id, o.id, k.level, k.inventory_position, k.reorder_point
    from (
        select coalesce(s.item_id, p.item_id) as item_id, coalesce(s.location_id, p.location_id) as location_id, s as level,
            coalesce(case when s.next_hold_at <= instant then internal.inventory_position(s, instant)
                else s.available + s.incoming + s.in_transit - s.backordered end, 0) as inventory_position,
            case p.method when 'min_max' then p.min_level else coalesce(s.reorder_point, 0) end as reorder_point
        from inventory.stock_level as s
        full join inventory.item_planning as p on p.item_id = s.item_id and p.location_id = s.location_id
        where (p.item_id is not null or s.reorder_point > 0) and s.policy is distinct from 'unlimited'
            and (reorder_candidates.location_id is null
                or coalesce(s.location_id, p.location_id) = reorder_candidates.location_id)
    ) as k
    join inventory.item as i on i.id = k.item_id and i.status = 'active' and i.kind <> 'bundle'
    join inventory.location as o on o.id = k.location_id and o.status = 'open'
    where k.inventory_position <= k.reorder_point
        and (reorder_candidates.supplier is null or reorder_candidates.supplier = (
            select t.supplier_code from internal.supplier_for(i.id, null) as t))
    order by (k.inventory_position - k.reorder_point)::numeric / greatest(k.reorder_point, 1), i.sku, o.id
    limit max_rows
$$;

comment on function internal.reorder_candidates(text, text, integer, timestamptz) is 'Items whose inventory position has come down to their reorder point.';
