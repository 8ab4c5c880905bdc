-- Ends the delivery of an item by a supplier; orders that are open stay as they are. Answers how many terms were removed, 0 or 1.
-- Errors: IV003, IV008, IV028 unknown_supplier. Locks the row. Idempotent by nature. Security definer because only the owner writes tables.
create or replace function api.remove_item_supplier(sku text, supplier text)
returns integer
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_item_id constant uuid := internal.item_id_of(sku);
    v_supplier constant text := internal.supplier_code_of(supplier);
    v_removed integer;
begin
    delete from inventory.item_supplier as s where s.item_id = v_item_id and s.supplier_code = v_supplier;
    get diagnostics v_removed = row_count;
    return v_removed;
end
$$;

revoke execute on function api.remove_item_supplier(text, text) from public;
grant execute on function api.remove_item_supplier(text, text) to onhand_api, onhand_operator;
comment on function api.remove_item_supplier(text, text) is 'Ends the delivery of an item by a supplier.';
