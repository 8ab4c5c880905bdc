-- What of a line of a purchase order has neither arrived nor been called off. Inlined by the planner: no set clause.
create or replace function internal.open_quantity(line inventory.purchase_order_line)
returns bigint
language sql
immutable
parallel safe
return greatest(line.ordered - line.received - line.damaged - line.cancelled, 0);

comment on function internal.open_quantity(inventory.purchase_order_line) is 'What of a line of a purchase order is still open.';
