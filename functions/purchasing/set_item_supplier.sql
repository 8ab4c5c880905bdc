-- Sets the terms on which a supplier delivers an item; null keeps what is there. The first time lead_time_days is required; the rest
-- begins with no deviation, single units, priority 100 and no known cost. Cost and currency go together.
-- expected_version is the one that the terms must have (0 = there are none yet).
-- Errors: IV003, IV006 stale_version, IV007, IV008 invalid_argument, IV016 (a bundle is not ordered), IV028 unknown_supplier. Locks the terms. Idempotent by nature, and by
-- idempotency_key.
-- Security definer because only the owner writes tables.
create or replace function api.set_item_supplier(sku text, supplier text, lead_time_days numeric default null,
    lead_time_stddev_days numeric default null, minimum_order_quantity bigint default null,
    order_multiple bigint default null, unit_cost bigint default null, currency text default null,
    priority integer default null, idempotency_key text default null, expected_version bigint default null)
returns setof api.item_supplier_change
language plpgsql
volatile
security definer
rows 1
set search_path = ''
as $$
declare
    v_request constant jsonb := jsonb_build_object('sku', sku, 'supplier', supplier, 'lead_time_days', lead_time_days,
        'lead_time_stddev_days', lead_time_stddev_days, 'minimum_order_quantity', minimum_order_quantity, 'order_multiple', order_multiple,
        'unit_cost', unit_cost, 'currency', currency, 'priority', priority, 'expected_version', expected_version);
    v_item_id constant uuid := internal.item_id_of(sku);
    v_supplier constant text := internal.supplier_code_of(supplier);
    v_row inventory.item_supplier;
    v_problem jsonb;
    v_answer jsonb;
begin
    perform internal.check_request(jsonb_build_object('idempotency_key', idempotency_key));
    v_answer := internal.find_answer('set_item_supplier', idempotency_key, v_request);
    if v_answer is null then
        -- The row may not be there yet: who makes it at the same moment with other fields is waited for, so that both keep theirs.
        perform pg_advisory_xact_lock(hashtextextended(concat_ws(' ', 'onhand.item_supplier', v_item_id, v_supplier), 0));
        select s.* into v_row
        from inventory.item_supplier as s
        where s.item_id = v_item_id and s.supplier_code = v_supplier
        for no key update of s;
        perform internal.expect_version(expected_version, v_row.version, jsonb_build_object('sku', sku, 'supplier', v_supplier));
        v_row.item_id := v_item_id;
        v_row.supplier_code := v_supplier;
        v_row.lead_time_days := coalesce(lead_time_days, v_row.lead_time_days);
        v_row.lead_time_stddev_days := coalesce(lead_time_stddev_days, v_row.lead_time_stddev_days, 0);
        v_row.minimum_order_quantity := coalesce(minimum_order_quantity, v_row.minimum_order_quantity, 1);
        v_row.order_multiple := coalesce(order_multiple, v_row.order_multiple, 1);
        v_row.unit_cost := coalesce(unit_cost, v_row.unit_cost);
        v_row.currency := coalesce(currency, v_row.currency);
        v_row.priority := coalesce(priority, v_row.priority, 100);
        v_problem := internal.check_item_supplier(v_row);
        if v_problem is not null then
            perform internal.raise_error('IV008', v_problem);
        elsif exists (select from inventory.item as i where i.id = v_item_id and i.kind = 'bundle') then
            perform internal.raise_error('IV016', jsonb_build_object('sku', sku));
        end if;
        perform internal.write_item_supplier(v_row);
        v_answer := internal.keep_answer('set_item_supplier', idempotency_key, v_request, (
            select to_jsonb(s) || '{"replayed": false}' from api.list_item_suppliers(sku, v_supplier) as s));
    end if;
    return next jsonb_populate_record(null::api.item_supplier_change, v_answer);
end
$$;

revoke execute on function api.set_item_supplier(text, text, numeric, numeric, bigint, bigint, bigint, text, integer, text, bigint) from public;
grant execute on function api.set_item_supplier(text, text, numeric, numeric, bigint, bigint, bigint, text, integer, text, bigint) to onhand_api, onhand_operator;
comment on function api.set_item_supplier(text, text, numeric, numeric, bigint, bigint, bigint, text, integer, text, bigint) is 'Sets the terms on which a supplier delivers an item.';
