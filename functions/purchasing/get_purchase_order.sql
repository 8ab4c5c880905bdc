-- A purchase order and what has become of its lines: open is still to come, excess arrived beyond what was ordered.
-- Errors: IV029 unknown_purchase_order. Locks nothing. Security definer because readers of api have no right on the tables.
create or replace function api.get_purchase_order(purchase_order_id uuid)
returns setof api.purchase_order_state
language plpgsql
stable
security definer
rows 5
set search_path = ''
as $$
begin
    return query
    select o.id, o.supplier_code, o.location_id, o.status, o.reference, o.expected_at, o.created_at, o.updated_at, o.version, i.sku,
        l.item_id, l.ordered, l.received, l.damaged, l.cancelled, internal.open_quantity(l),
        greatest(l.received + l.damaged - l.ordered, 0), l.unit_cost, l.currency
    from inventory.purchase_order as o
    join inventory.purchase_order_line as l on l.purchase_order_id = o.id
    join inventory.item as i on i.id = l.item_id
    where o.id = get_purchase_order.purchase_order_id
    order by i.sku;
    if not found then
        perform internal.raise_error('IV029', jsonb_build_object('purchase_order_id', get_purchase_order.purchase_order_id));
    end if;
end
$$;

revoke execute on function api.get_purchase_order(uuid) from public;
grant execute on function api.get_purchase_order(uuid) to onhand_api, onhand_reader;
comment on function api.get_purchase_order(uuid) is 'A purchase order and what has become of its lines.';
