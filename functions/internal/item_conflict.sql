-- What is wrong with a set of items as a whole: a sku twice, a new item without a name, an unknown parent, a change that its stock or its units do
-- not allow. Null if nothing is.
create or replace function internal.item_conflict(items jsonb)
returns jsonb
language sql
stable
set search_path = ''
as $$
    select p.problem
    from (
        select e.position, case
            when row_number() over (partition by e.body ->> 'sku' order by e.position) > 1
                then internal.problem('sku', 'stands twice in the batch')
            when not e.body ? 'name' and not exists (select from inventory.item as i where i.sku = e.body ->> 'sku')
                then internal.problem('name', 'is required for a new item')
            when e.body ? 'parent_sku' and not exists (select from inventory.item as i where i.sku = e.body ->> 'parent_sku')
                then jsonb_build_object('code', 'IV003', 'field', 'parent_sku', 'sku', e.body ->> 'parent_sku')
            when coalesce(e.body ->> 'kind', k.kind, 'physical') <> 'physical' and coalesce(e.body ->> 'tracking', k.tracking, 'none') <> 'none'
                then internal.problem('tracking', 'only physical items have lots or serial numbers')
            when (e.body ->> 'kind' <> k.kind or e.body ->> 'tracking' <> k.tracking) and internal.has_stock(k.id)
                then internal.problem('kind, tracking', 'cannot change while the item has stock')
            when exists (select from inventory.item_unit as u where u.item_id = k.id and u.unit = e.body ->> 'unit_of_measure')
                then internal.problem('unit_of_measure', 'is a larger unit of the item already')
        end || jsonb_build_object('entry', e.position - 1) as problem
        from jsonb_array_elements(items) with ordinality as e (body, position)
        left join inventory.item as k on k.sku = e.body ->> 'sku'
    ) as p
    where p.problem is not null
    order by p.position
    limit 1
$$;

comment on function internal.item_conflict(jsonb) is 'What is wrong with a set of items as a whole; null if nothing is.';
