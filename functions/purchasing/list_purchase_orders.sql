-- Purchase orders, newest first, of one supplier, location or status, or of all. Page on with before => the id of the last row: ids of orders
-- grow with time. Errors: IV008 if max_rows is not 1 to 1000. Locks nothing.
-- Security definer because readers of api have no right on the tables.
create or replace function api.list_purchase_orders(supplier text default null, location text default null,
    status text default null, max_rows integer default 100, before uuid default null)
returns setof api.purchase_order_summary
language plpgsql
stable
security definer
rows 100
set search_path = ''
as $$
begin
    perform internal.check_max_rows(max_rows);
    return query
    select o.id, o.supplier_code, o.location_id, o.status, o.reference, o.expected_at, o.created_at, o.updated_at, o.version,
        s.lines, s.ordered, s.open
    from (
        select p.*
        from inventory.purchase_order as p
        where (list_purchase_orders.supplier is null or p.supplier_code = list_purchase_orders.supplier)
            and (list_purchase_orders.location is null or p.location_id = list_purchase_orders.location)
            and (list_purchase_orders.status is null or p.status = list_purchase_orders.status)
            and (before is null or p.id < before)
        order by p.id desc
        limit max_rows
    ) as o
    cross join lateral (
        select count(*) as lines, sum(l.ordered) as ordered, sum(internal.open_quantity(l)) as open
        from inventory.purchase_order_line as l
        where l.purchase_order_id = o.id
    ) as s
    order by o.id desc;
end
$$;

revoke execute on function api.list_purchase_orders(text, text, text, integer, uuid) from public;
grant execute on function api.list_purchase_orders(text, text, text, integer, uuid) to onhand_api, onhand_reader;
comment on function api.list_purchase_orders(text, text, text, integer, uuid) is 'Purchase orders, newest first.';
