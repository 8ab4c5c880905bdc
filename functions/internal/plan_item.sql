-- Works out safety stock, reorder point and order quantity of an item at a location. d, s: mean and deviation of the daily demand; L, l: mean and
-- deviation of the lead time in days, with the review period added to L, since stock has to last until the delivery of the next order.
--   safety stock  = z * sqrt(L * s^2 + d^2 * l^2), z of the service level
--   reorder point = d * L + safety stock
-- (Silver, Pyke and Thomas, Inventory and Production Management in Supply Chains, 4th ed., ch. 6: demand over a lead time that varies too.)
--   economic order quantity = sqrt(2 * D * K / h), D: demand of a year of 365 days, K: cost of an order, h: cost of holding a unit for a year
-- (F. W. Harris, "How Many Parts to Make at Once", Factory, The Magazine of Management 10, 1913.)
-- min_max: up to max_level from the inventory position; fixed: fixed_quantity. All are rounded up to packs and at least the minimum order.
-- What cannot be worked out stays null, and missing says for want of what.
create or replace function internal.plan_item(plan internal.replenishment_plan)
returns internal.replenishment_plan
language plpgsql
immutable
set search_path = ''
as $$
declare
    v_span constant double precision := plan.lead_time_days + plan.review_period_days;
    v_needs constant jsonb := jsonb_build_object('unit_cost', nullif(plan.unit_cost, 0), 'ordering_cost', plan.ordering_cost,
        'holding_cost_rate', plan.holding_cost_rate, 'demand', nullif(plan.mean_daily, 0));
begin
    plan.safety_stock := internal.whole_units(plan.z
        * sqrt(v_span * plan.stddev_daily ^ 2 + plan.mean_daily ^ 2 * plan.lead_time_stddev_days ^ 2));
    plan.reorder_point := internal.whole_units(plan.mean_daily * v_span + plan.safety_stock);
    if plan.supplier is null then
        plan.missing := plan.missing || 'supplier'::text;
    end if;
    if plan.method = 'eoq' then
        plan.economic_quantity := sqrt(2 * plan.mean_daily * 365 * plan.ordering_cost
            / (nullif(plan.unit_cost, 0) * plan.holding_cost_rate));
        plan.missing := plan.missing || array(select n.key from jsonb_each(v_needs) as n where n.value = 'null' order by n.key);
        if plan.mean_daily = 0 then
            plan.economic_quantity := null;
        end if;
    end if;
    plan.order_quantity := internal.whole_packs(case plan.method
        when 'min_max' then plan.max_level - plan.inventory_position
        when 'fixed' then plan.fixed_quantity
        else internal.whole_units(plan.economic_quantity) end, plan.minimum_order_quantity, plan.order_multiple);
    return plan;
end
$$;

comment on function internal.plan_item(internal.replenishment_plan) is 'Works out safety stock, reorder point and order quantity.';
