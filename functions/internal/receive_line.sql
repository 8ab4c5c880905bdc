-- Enters what arrived into the line of a purchase order and returns how much of it was still open, the part by which incoming goes down;
-- the rest is more than was ordered. Errors: IV012. The order is locked.
create or replace function internal.receive_line(id uuid, receipt internal.order_receipt)
returns bigint
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_line inventory.purchase_order_line;
begin
    select l.* into strict v_line
    from inventory.purchase_order_line as l
    where l.purchase_order_id = receive_line.id and l.item_id = receipt.item_id;
    if greatest(v_line.received + receipt.received, v_line.damaged + receipt.damaged) > 1000000000000 then
        perform internal.raise_error('IV012', jsonb_build_object('purchase_order_id', id, 'received', v_line.received,
            'damaged', v_line.damaged));
    end if;
    update inventory.purchase_order_line as l
    set received = l.received + receipt.received, damaged = l.damaged + receipt.damaged
    where l.purchase_order_id = receive_line.id and l.item_id = receipt.item_id;
    return least(internal.open_quantity(v_line), receipt.received + receipt.damaged);
end
$$;

comment on function internal.receive_line(uuid, internal.order_receipt) is 'Enters what arrived into the line of a purchase order.';
