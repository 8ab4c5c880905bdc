-- The first thing wrong with how an item is to be planned; null if nothing is.
create or replace function internal.check_planning(planning inventory.item_planning)
returns jsonb
language sql
immutable
set search_path = ''
as $$
    select case
        when planning.method not in ('eoq', 'min_max', 'fixed') then internal.problem('method', 'must be eoq, min_max or fixed')
        when planning.service_level not between 0.5 and 0.99999 then internal.problem('service_level', 'must be 0.5 to 0.99999')
        when planning.review_period_days not between 0 and 365 then internal.problem('review_period_days', 'must be 0 to 365')
        when planning.demand_days not between 1 and 730 then internal.problem('demand_days', 'must be 1 to 730')
        when planning.ordering_cost not between 1 and 1000000000000 then internal.problem('ordering_cost', 'must be 1 to 10^12')
        when planning.holding_cost_rate not between 0.0001 and 10
            then internal.problem('holding_cost_rate', 'must be 0.0001 to 10 (a fraction of the unit cost for each year)')
        when planning.min_level < 0 or planning.max_level not between 1 and 1000000000000
                or planning.min_level >= planning.max_level
            then internal.problem('min_level, max_level', 'must be 0 or more, and at most 10^12 and above it')
        when planning.fixed_quantity not between 1 and 1000000000000 then internal.problem('fixed_quantity', 'must be 1 to 10^12')
        when planning.method = 'min_max' and num_nulls(planning.min_level, planning.max_level) > 0
            then internal.problem('min_level, max_level', 'are required by method min_max')
        when planning.method = 'fixed' and planning.fixed_quantity is null
            then internal.problem('fixed_quantity', 'is required by method fixed')
    end
$$;

comment on function internal.check_planning(inventory.item_planning) is 'The first thing wrong with how an item is to be planned.';
