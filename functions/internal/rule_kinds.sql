-- Kinds of alerts that rules are about.
create or replace function internal.rule_kinds()
returns text[]
language sql
immutable
parallel safe
return '{reorder_point,safety_stock,out_of_stock,lot_expiry,hold_expiry,count_variance}'::text[];

comment on function internal.rule_kinds() is 'Kinds of alerts that rules are about.';
