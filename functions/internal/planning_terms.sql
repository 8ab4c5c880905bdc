-- What the plan of an item at a location follows from: its planning (or the defaults), the terms of the supplier (the one that is named, else the
-- first that is active), its demand, what there is of it. service_level and days override the planning where they are given.
create or replace function internal.planning_terms(item_id uuid, location_id text, supplier text, service_level double precision,
    days integer, instant timestamptz)
returns internal.replenishment_plan
language plpgsql
stable
set search_path = ''
as $$
declare
    v_plan internal.replenishment_plan;
begin
    v_plan.item_id := item_id;
    v_plan.location_id := location_id;
    v_plan.missing := '{}';
    select i.sku, coalesce(p.method, 'eoq'), coalesce(planning_terms.service_level, p.service_level, 0.95),
        coalesce(days, p.demand_days, 90), coalesce(p.review_period_days, 0), p.ordering_cost, p.holding_cost_rate, p.min_level,
        p.max_level, p.fixed_quantity,
        coalesce((
            select internal.inventory_position(s, instant)
            from inventory.stock_level as s
            where s.item_id = planning_terms.item_id and s.location_id = planning_terms.location_id), 0)
    into v_plan.sku, v_plan.method, v_plan.service_level, v_plan.demand_days, v_plan.review_period_days, v_plan.ordering_cost,
        v_plan.holding_cost_rate, v_plan.min_level, v_plan.max_level, v_plan.fixed_quantity, v_plan.inventory_position
    from inventory.item as i
    left join inventory.item_planning as p on p.item_id = i.id and p.location_id = planning_terms.location_id
    where i.id = planning_terms.item_id;
    select s.supplier_code, s.lead_time_days, s.lead_time_stddev_days, s.minimum_order_quantity, s.order_multiple, s.unit_cost, s.currency
    into v_plan.supplier, v_plan.lead_time_days, v_plan.lead_time_stddev_days, v_plan.minimum_order_quantity, v_plan.order_multiple,
        v_plan.unit_cost, v_plan.currency
    from internal.supplier_for(planning_terms.item_id, planning_terms.supplier) as s;
    select greatest(d.mean_daily, 0), d.stddev_daily into v_plan.mean_daily, v_plan.stddev_daily
    from internal.demand_of(planning_terms.item_id, planning_terms.location_id, v_plan.demand_days, instant) as d;
    v_plan.z := internal.normal_quantile(v_plan.service_level);
    return v_plan;
end
$$;

comment on function internal.planning_terms(uuid, text, text, double precision, integer, timestamptz) is 'What the plan of an item at a location follows from.';
