-- Ends the delivery of an item by a supplier; orders that are open stay as they are. Answers how many terms were removed, 0 or 1; replayed
-- marks the stored answer of an earlier request. expected_version is the one that the terms must have (0 = there are none).
-- Errors: IV003, IV006 stale_version, IV007, IV008, IV028 unknown_supplier. Locks the row. Idempotent by nature, and by idempotency_key.
-- Security definer because only the owner writes tables.
create or replace function api.remove_item_supplier(sku text, supplier text, idempotency_key text default null,
    expected_version bigint default null)
returns table (removed integer, replayed boolean)
language plpgsql
volatile
security definer
rows 1
set search_path = ''
as $$
declare
    v_request constant jsonb := jsonb_build_object('sku', sku, 'supplier', supplier, 'expected_version', expected_version);
    v_item_id constant uuid := internal.item_id_of(sku);
    v_supplier constant text := internal.supplier_code_of(supplier);
    v_version bigint;
    v_answer jsonb;
begin
    perform internal.check_request(jsonb_build_object('idempotency_key', idempotency_key));
    v_answer := internal.find_answer('remove_item_supplier', idempotency_key, v_request);
    if v_answer is null then
        delete from inventory.item_supplier as s
        where s.item_id = v_item_id and s.supplier_code = v_supplier
        returning s.version into v_version;
        perform internal.expect_version(expected_version, v_version, jsonb_build_object('sku', sku, 'supplier', supplier));
        v_answer := internal.keep_answer('remove_item_supplier', idempotency_key, v_request,
            jsonb_build_object('removed', num_nonnulls(v_version), 'replayed', false));
    end if;
    return query select (v_answer -> 'removed')::integer, (v_answer -> 'replayed')::boolean;
end
$$;

revoke execute on function api.remove_item_supplier(text, text, text, bigint) from public;
grant execute on function api.remove_item_supplier(text, text, text, bigint) to onhand_api, onhand_operator;
comment on function api.remove_item_supplier(text, text, text, bigint) is 'Ends the delivery of an item by a supplier.';
