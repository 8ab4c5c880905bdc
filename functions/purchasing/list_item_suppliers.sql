-- Who delivers an item, in the order in which they are asked: by priority, then by code. supplier picks one of them.
-- Errors: IV003, IV008 without a sku. Locks nothing. Security definer because readers of api have no right on the tables.
create or replace function api.list_item_suppliers(sku text, supplier text default null)
returns setof api.item_supplier_state
language plpgsql
stable
security definer
rows 3
set search_path = ''
as $$
declare
    v_item_id constant uuid := internal.item_id_of(sku);
begin
    return query
    select list_item_suppliers.sku, s.item_id, s.supplier_code, s.lead_time_days, s.lead_time_stddev_days,
        s.minimum_order_quantity, s.order_multiple, s.unit_cost, s.currency, s.priority, s.version, s.updated_at
    from inventory.item_supplier as s
    where s.item_id = v_item_id
        and (list_item_suppliers.supplier is null or s.supplier_code = list_item_suppliers.supplier)
    order by s.priority, s.supplier_code;
end
$$;

revoke execute on function api.list_item_suppliers(text, text) from public;
grant execute on function api.list_item_suppliers(text, text) to onhand_api, onhand_reader;
comment on function api.list_item_suppliers(text, text) is 'Who delivers an item, in the order in which they are asked.';
