-- Suppliers in the order of their codes. Page on with after => the code of the last row.
-- Errors: IV008 if max_rows is not 1 to 1000. Locks nothing. Security definer because readers of api have no right on the tables.
create or replace function api.list_suppliers(status text default null, max_rows integer default 100, after text default null)
returns setof api.supplier_state
language plpgsql
stable
security definer
rows 100
set search_path = ''
as $$
begin
    perform internal.check_max_rows(max_rows);
    return query
    select s.code, s.name, s.status, s.contact, s.metadata, s.version, s.created_at, s.updated_at
    from inventory.supplier as s
    where (list_suppliers.status is null or s.status = list_suppliers.status)
        and s.code > coalesce(after collate "C", '')
    order by s.code
    limit max_rows;
end
$$;

revoke execute on function api.list_suppliers(text, integer, text) from public;
grant execute on function api.list_suppliers(text, integer, text) to onhand_api, onhand_reader;
comment on function api.list_suppliers(text, integer, text) is 'Suppliers in the order of their codes.';
