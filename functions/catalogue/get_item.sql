-- An item by its sku or by its id; no row if there is none. Errors: IV008 if neither or both are given.
-- Locks nothing. Security definer because readers of api have no right on the tables.
create or replace function api.get_item(sku text default null, id uuid default null)
returns setof api.item_state
language plpgsql
stable
security definer
rows 1
set search_path = ''
as $$
begin
    if num_nonnulls(sku, id) <> 1 then
        perform internal.raise_error('IV008', internal.problem('sku, id', 'give exactly one of them'));
    end if;
    return query
    select s.*
    from internal.item_states(coalesce(get_item.sku, (select i.sku from inventory.item as i where i.id = get_item.id))) as s;
end
$$;

revoke execute on function api.get_item(text, uuid) from public;
grant execute on function api.get_item(text, uuid) to onhand_api, onhand_reader;
comment on function api.get_item(text, uuid) is 'An item by its sku or by its id.';
