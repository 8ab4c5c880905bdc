-- The terms of the supplier that an item is ordered from: the one that is named, else the first active one by priority; no row if none delivers it.
create or replace function internal.supplier_for(item_id uuid, supplier text)
returns setof inventory.item_supplier
language sql
stable
rows 1
set search_path = ''
as $$
    select t.*
    from inventory.item_supplier as t
    join inventory.supplier as s on s.code = t.supplier_code
    where t.item_id = supplier_for.item_id
        and (s.code = supplier_for.supplier or supplier_for.supplier is null and s.status = 'active')
    order by t.priority, t.supplier_code
    limit 1
$$;

comment on function internal.supplier_for(uuid, text) is 'The terms of the supplier that an item is ordered from.';
