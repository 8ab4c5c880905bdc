-- The fields that a command of this operation may have. What means nothing to it is refused: who writes a quantity where none is read means
-- something else than what would happen. Inlined by the planner: no set clause.
create or replace function internal.op_fields(op text)
returns text[]
language sql
immutable
parallel safe
return internal.common_fields() || case op
    when 'add' then '{sku,location,quantity,lines,unit,lot,lot_expires_at,serials}'::text[]
    when 'return' then '{sku,location,quantity,lines,unit,lot,lot_expires_at,serials,state}'
    when 'remove' then '{sku,location,quantity,lines,unit,lot,serials}'
    when 'adjust' then '{sku,location,quantity,lines,unit,lot,serials}'
    when 'quarantine' then '{sku,location,quantity,lines,unit,lot,serials}'
    when 'restore' then '{sku,location,quantity,lines,unit,lot,serials}'
    when 'write_off' then '{sku,location,quantity,lines,unit,lot,serials,state}'
    when 'move' then '{sku,from,to,quantity,lines,unit,lot,serials}'
    when 'ship' then '{sku,from,to,quantity,lines,unit,lot,serials}'
    when 'reserve' then '{sku,location,quantity,lines,unit,lot,serials,reservation_id,partial,strategy,locations,replace,owner,expires_in_seconds,expires_at}'
    when 'confirm' then '{reservation_id,lines,lot,serials}'
    when 'cancel' then '{reservation_id}'
    when 'expire' then '{reservation_id}'
    when 'extend' then '{reservation_id,expires_in_seconds,expires_at}'
    when 'relocate' then '{reservation_id,sku,from,to}'
    when 'receive' then '{transfer_id,lines,complete}'
    when 'cancel_transfer' then '{transfer_id}'
    when 'order' then '{supplier,location,lines,expected_at}'
    when 'receive_order' then '{purchase_order_id,lines}'
    when 'cancel_order' then '{purchase_order_id}'
    when 'count' then '{count_id}'
    when 'recall' then '{sku,lot}'
end;

comment on function internal.op_fields(text) is 'The fields that a command of this operation may have.';
