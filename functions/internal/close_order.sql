-- Gives a purchase order of which nothing is open any more its last status; grows its version in any case.
create or replace function internal.close_order(id uuid, final_status text, instant timestamptz)
returns jsonb
language sql
volatile
set search_path = ''
as $$
    update inventory.purchase_order as o
    set status = case when exists (
            select from inventory.purchase_order_line as l
            where l.purchase_order_id = o.id and internal.open_quantity(l) > 0) then o.status else final_status end,
        version = greatest(o.version + 1, internal.version_floor()), updated_at = instant
    where o.id = close_order.id
    returning jsonb_build_object('purchase_order_id', o.id, 'status', o.status)
$$;

comment on function internal.close_order(uuid, text, timestamptz) is 'Gives a purchase order of which nothing is open any more its last status.';
