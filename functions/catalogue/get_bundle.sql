-- What a bundle consists of, one row for each component; no rows for an item that is none. Errors: IV003, IV008. Locks nothing.
-- Security definer because readers of api have no right on the tables.
create or replace function api.get_bundle(sku text)
returns table (bundle text, component text, quantity bigint)
language sql
stable
security definer
rows 5
set search_path = ''
as $$
    select get_bundle.sku, i.sku, c.quantity
    from inventory.bundle_component as c
    join inventory.item as i on i.id = c.component_id
    where c.bundle_id = internal.item_id_of(get_bundle.sku)
    order by i.sku
$$;

revoke execute on function api.get_bundle(text) from public;
grant execute on function api.get_bundle(text) to onhand_api, onhand_reader;
comment on function api.get_bundle(text) is 'What a bundle consists of.';
