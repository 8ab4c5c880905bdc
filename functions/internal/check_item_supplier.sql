-- The first thing wrong with the terms on which a supplier delivers an item; null if nothing is.
create or replace function internal.check_item_supplier(terms inventory.item_supplier)
returns jsonb
language sql
immutable
set search_path = ''
as $$
    select case
        when terms.lead_time_days is null then internal.problem('lead_time_days', 'is required')
        when terms.lead_time_days not between 0 and 3650 then internal.problem('lead_time_days', 'must be 0 to 3650')
        when terms.lead_time_stddev_days not between 0 and 3650 then internal.problem('lead_time_stddev_days', 'must be 0 to 3650')
        when terms.minimum_order_quantity not between 1 and 1000000000000
            then internal.problem('minimum_order_quantity', 'must be 1 to 10^12')
        when terms.order_multiple not between 1 and 1000000000000 then internal.problem('order_multiple', 'must be 1 to 10^12')
        when terms.unit_cost not between 0 and 1000000000000 then internal.problem('unit_cost', 'must be 0 to 10^12')
        when terms.currency !~ '^[A-Z]{3}$' then internal.problem('currency', 'must be three capital letters (ISO 4217)')
        when terms.unit_cost is null and terms.currency is not null then internal.problem('unit_cost', 'is required with currency')
        when terms.currency is null and terms.unit_cost is not null then internal.problem('currency', 'is required with unit_cost')
        when terms.priority not between 0 and 1000000 then internal.problem('priority', 'must be 0 to 1000000')
    end
$$;

comment on function internal.check_item_supplier(inventory.item_supplier) is 'The first thing wrong with the terms on which a supplier delivers an item.';
