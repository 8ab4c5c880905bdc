-- Every field that a command may have. Inlined by the planner: no set clause.
create or replace function internal.command_fields()
returns text[]
language sql
immutable
parallel safe
return '{op,idempotency_key,sku,location,quantity,lines,from,to,reservation_id,owner,expires_in_seconds,expires_at,expected_version,reason,reference,correlation_id,user_id,source,occurred_at,traceparent,unit,lot,lot_expires_at,serials,partial,strategy,locations,replace,state,reason_code,transfer_id,complete,supplier,purchase_order_id,expected_at,count_id}'::text[];

comment on function internal.command_fields() is 'Every field that a command may have.';
