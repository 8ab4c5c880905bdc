-- Writes checked terms on which a supplier delivers an item; null keeps what is there. A row that would stay as it is is not touched.
create or replace function internal.write_item_supplier(item_id uuid, supplier text, lead_time_days numeric,
    lead_time_stddev_days numeric, minimum_order_quantity bigint, order_multiple bigint, unit_cost bigint, currency text,
    priority integer)
returns void
language sql
volatile
set search_path = ''
as $$
    insert into inventory.item_supplier as s (item_id, supplier_code, lead_time_days, lead_time_stddev_days,
        minimum_order_quantity, order_multiple, unit_cost, currency, priority, version)
    values (write_item_supplier.item_id, supplier, write_item_supplier.lead_time_days,
        coalesce(write_item_supplier.lead_time_stddev_days, 0), coalesce(write_item_supplier.minimum_order_quantity, 1),
        coalesce(write_item_supplier.order_multiple, 1), write_item_supplier.unit_cost, write_item_supplier.currency,
        coalesce(write_item_supplier.priority, 100), greatest(1, internal.version_floor()))
    on conflict (item_id, supplier_code) do update
    set lead_time_days = coalesce(write_item_supplier.lead_time_days, s.lead_time_days),
        lead_time_stddev_days = coalesce(write_item_supplier.lead_time_stddev_days, s.lead_time_stddev_days),
        minimum_order_quantity = coalesce(write_item_supplier.minimum_order_quantity, s.minimum_order_quantity),
        order_multiple = coalesce(write_item_supplier.order_multiple, s.order_multiple),
        unit_cost = coalesce(write_item_supplier.unit_cost, s.unit_cost),
        currency = coalesce(write_item_supplier.currency, s.currency),
        priority = coalesce(write_item_supplier.priority, s.priority),
        version = greatest(s.version + 1, internal.version_floor()), updated_at = clock_timestamp()
    where write_item_supplier.lead_time_days <> s.lead_time_days
        or write_item_supplier.lead_time_stddev_days <> s.lead_time_stddev_days
        or write_item_supplier.minimum_order_quantity <> s.minimum_order_quantity
        or write_item_supplier.order_multiple <> s.order_multiple
        or write_item_supplier.unit_cost is distinct from s.unit_cost and write_item_supplier.unit_cost is not null
        or write_item_supplier.currency is distinct from s.currency and write_item_supplier.currency is not null
        or write_item_supplier.priority <> s.priority
$$;

comment on function internal.write_item_supplier(uuid, text, numeric, numeric, bigint, bigint, bigint, text, integer) is 'Writes checked terms on which a supplier delivers an item.';
