-- Every operation there is. Inlined by the planner: no set clause.
create or replace function internal.command_ops()
returns text[]
language sql
immutable
parallel safe
return '{add,remove,adjust,move,reserve,confirm,cancel,expire,return,quarantine,restore,write_off,ship,receive,cancel_transfer,extend,relocate,order,receive_order,cancel_order,count,recall}'::text[];

comment on function internal.command_ops() is 'Every operation there is.';
