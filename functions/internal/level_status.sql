-- The status that the constraint stock_level_status_derived proves, for a level of any policy. Inlined by the planner: no set clause.
create or replace function internal.level_status(policy text, available bigint, threshold bigint)
returns text
language sql
immutable
parallel safe
return case when policy = 'unlimited' then 'in_stock' else internal.stock_status(available, threshold) end;

comment on function internal.level_status(text, bigint, bigint) is 'Status of a balance under its policy; threshold = greatest(safety_stock, reorder_point).';
