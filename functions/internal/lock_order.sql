-- The purchase order with this id, locked and still open. Errors: IV029 unknown_purchase_order, IV030 purchase_order_closed.
create or replace function internal.lock_order(id uuid)
returns inventory.purchase_order
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_order inventory.purchase_order;
begin
    select o.* into v_order from inventory.purchase_order as o where o.id = lock_order.id for no key update of o;
    if not found then
        perform internal.raise_error('IV029', jsonb_build_object('purchase_order_id', id));
    elsif v_order.status <> 'OPEN' then
        perform internal.raise_error('IV030', jsonb_build_object('purchase_order_id', id, 'status', v_order.status));
    end if;
    return v_order;
end
$$;

comment on function internal.lock_order(uuid) is 'The purchase order with this id, locked and still open.';
