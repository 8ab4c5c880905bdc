-- Refuses settings of a stock level that are out of range.
create or replace function internal.check_policy(safety_stock bigint, reorder_point bigint, policy text)
returns void
language plpgsql
immutable
set search_path = ''
as $$
begin
    if least(safety_stock, reorder_point) < 0 then
        perform internal.raise_error('IV008', internal.problem('safety_stock, reorder_point', 'must be 0 or more'));
    elsif greatest(safety_stock, reorder_point) > 1000000000000 then
        perform internal.raise_error('IV012', internal.problem('safety_stock, reorder_point', 'must be at most 10^12'));
    elsif not policy = any (array['deny', 'oversell']) then
        perform internal.raise_error('IV008', internal.problem('policy', 'must be deny or oversell'));
    end if;
end
$$;

comment on function internal.check_policy(bigint, bigint, text) is 'Refuses settings of a stock level that are out of range.';
