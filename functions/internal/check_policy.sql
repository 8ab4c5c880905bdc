-- Refuses settings of a stock level that are out of range, or that its item cannot have. unlimited is never given: the engine sets it for
-- digital items, which are never short. Errors: IV008, IV012, IV016.
create or replace function internal.check_policy(item_id uuid, safety_stock bigint, reorder_point bigint, policy text)
returns void
language plpgsql
stable
set search_path = ''
as $$
declare
    v_item record;
begin
    select i.sku, i.kind into v_item from inventory.item as i where i.id = check_policy.item_id;
    if v_item.kind = 'bundle' then
        perform internal.raise_error('IV016', jsonb_build_object('sku', v_item.sku));
    elsif least(safety_stock, reorder_point) < 0 then
        perform internal.raise_error('IV008', internal.problem('safety_stock, reorder_point', 'must be 0 or more'));
    elsif greatest(safety_stock, reorder_point) > 1000000000000 then
        perform internal.raise_error('IV012', internal.problem('safety_stock, reorder_point', 'must be at most 10^12'));
    elsif not policy = any (array['deny', 'oversell', 'backorder']) then
        perform internal.raise_error('IV008', internal.problem('policy', 'must be deny, oversell or backorder'));
    elsif v_item.kind = 'digital' and policy is not null then
        perform internal.raise_error('IV008', internal.problem('policy', 'of a digital item is unlimited'));
    end if;
end
$$;

comment on function internal.check_policy(uuid, bigint, bigint, text) is 'Refuses settings of a stock level that are out of range.';
