-- What one unit of an item consists of on the shelf: itself, or for a bundle its components, bundles among them taken apart too.
-- Bounded: api.set_bundle sees to it that a bundle does not contain itself and that no more than 16 lie in one another.
create or replace function internal.bundle_parts(item_id uuid)
returns table (part_id uuid, quantity numeric)
language sql
stable
rows 3
set search_path = ''
as $$
    with recursive part as (
        select i.id, i.kind, 1::numeric as quantity, 1 as depth
        from inventory.item as i
        where i.id = bundle_parts.item_id
        union all
        select i.id, i.kind, p.quantity * b.quantity, p.depth + 1
        from part as p
        join inventory.bundle_component as b on b.bundle_id = p.id
        join inventory.item as i on i.id = b.component_id
        where p.kind = 'bundle' and p.depth < 17
    )
    select p.id, sum(p.quantity)
    from part as p
    where p.kind <> 'bundle'
    group by p.id
$$;

comment on function internal.bundle_parts(uuid) is 'What one unit of an item consists of on the shelf.';
