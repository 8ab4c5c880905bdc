-- Writes the terms on which a supplier delivers an item, as a whole row. A row that would stay as it is is not touched.
create or replace function internal.write_item_supplier(terms inventory.item_supplier)
returns void
language sql
volatile
set search_path = ''
as $$
    insert into inventory.item_supplier as s (item_id, supplier_code, lead_time_days, lead_time_stddev_days,
        minimum_order_quantity, order_multiple, unit_cost, currency, priority, version)
    values (terms.item_id, terms.supplier_code, terms.lead_time_days, terms.lead_time_stddev_days, terms.minimum_order_quantity,
        terms.order_multiple, terms.unit_cost, terms.currency, terms.priority, greatest(1, internal.version_floor()))
    on conflict (item_id, supplier_code) do update
    set lead_time_days = excluded.lead_time_days, lead_time_stddev_days = excluded.lead_time_stddev_days,
        minimum_order_quantity = excluded.minimum_order_quantity, order_multiple = excluded.order_multiple,
        unit_cost = excluded.unit_cost, currency = excluded.currency, priority = excluded.priority,
        version = greatest(s.version + 1, internal.version_floor()), updated_at = clock_timestamp()
    where (s.lead_time_days, s.lead_time_stddev_days, s.minimum_order_quantity, s.order_multiple, s.unit_cost, s.currency, s.priority)
        is distinct from (excluded.lead_time_days, excluded.lead_time_stddev_days, excluded.minimum_order_quantity,
            excluded.order_multiple, excluded.unit_cost, excluded.currency, excluded.priority)
$$;

comment on function internal.write_item_supplier(inventory.item_supplier) is 'Writes the terms on which a supplier delivers an item.';
