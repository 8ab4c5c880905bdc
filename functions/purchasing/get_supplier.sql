-- A supplier by its code; no row if there is none. Locks nothing.
-- Security definer because readers of api have no right on the tables.
create or replace function api.get_supplier(code text)
returns setof api.supplier_state
language sql
stable
security definer
rows 1
set search_path = ''
as $$
    select s.code, s.name, s.status, s.contact, s.metadata, s.version, s.created_at, s.updated_at
    from inventory.supplier as s
    where s.code = get_supplier.code
$$;

revoke execute on function api.get_supplier(text) from public;
grant execute on function api.get_supplier(text) to onhand_api, onhand_reader;
comment on function api.get_supplier(text) is 'A supplier by its code.';
