-- The status that the constraint stock_level_status_derived proves. Inlined by the planner: no set clause.
create or replace function internal.stock_status(available bigint, threshold bigint)
returns text
language sql
immutable
parallel safe
return case
    when available <= 0 then 'out_of_stock'
    when available <= threshold then 'low_stock'
    else 'in_stock'
end;

comment on function internal.stock_status(bigint, bigint) is 'Status of a balance; threshold = greatest(safety_stock, reorder_point).';
