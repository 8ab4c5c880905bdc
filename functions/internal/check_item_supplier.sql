-- The first thing wrong with the terms on which a supplier delivers an item; null if nothing is.
create or replace function internal.check_item_supplier(lead_time_days numeric, lead_time_stddev_days numeric,
    minimum_order_quantity bigint, order_multiple bigint, unit_cost bigint, currency text, priority integer)
returns jsonb
language sql
immutable
set search_path = ''
as $$
    select case
        when lead_time_days not between 0 and 3650 then internal.problem('lead_time_days', 'must be 0 to 3650')
        when lead_time_stddev_days not between 0 and 3650 then internal.problem('lead_time_stddev_days', 'must be 0 to 3650')
        when minimum_order_quantity not between 1 and 1000000000000
            then internal.problem('minimum_order_quantity', 'must be 1 to 10^12')
        when order_multiple not between 1 and 1000000000000 then internal.problem('order_multiple', 'must be 1 to 10^12')
        when unit_cost not between 0 and 1000000000000 then internal.problem('unit_cost', 'must be 0 to 10^12')
        when currency !~ '^[A-Z]{3}$' then internal.problem('currency', 'must be three capital letters (ISO 4217)')
        when priority not between 0 and 1000000 then internal.problem('priority', 'must be 0 to 1000000')
    end
$$;

comment on function internal.check_item_supplier(numeric, numeric, bigint, bigint, bigint, text, integer) is 'The first thing wrong with the terms on which a supplier delivers an item.';
