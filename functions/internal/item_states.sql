-- An item with the codes of what it refers to.
create or replace function internal.item_states(sku text)
returns setof api.item_state
language sql
stable
rows 1
set search_path = ''
as $$
    select i.id, i.sku, i.name, i.description, i.kind, p.sku, c.code, i.unit_of_measure, i.tags, i.dimensions, i.metadata,
        i.status, i.version, i.created_at, i.updated_at, i.tracking, i.stock_policy
    from inventory.item as i
    left join inventory.item as p on p.id = i.parent_id
    left join inventory.category as c on c.id = i.category_id
    where i.sku = item_states.sku
$$;

comment on function internal.item_states(text) is 'An item with the codes of what it refers to.';
