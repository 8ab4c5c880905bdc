-- Writes how an item is planned, as a whole row. A row that would stay as it is is not touched.
create or replace function internal.write_planning(planning inventory.item_planning)
returns void
language sql
volatile
set search_path = ''
as $$
    insert into inventory.item_planning as p (item_id, location_id, method, service_level, review_period_days, demand_days,
        ordering_cost, holding_cost_rate, min_level, max_level, fixed_quantity, version)
    values (planning.item_id, planning.location_id, planning.method, planning.service_level, planning.review_period_days,
        planning.demand_days, planning.ordering_cost, planning.holding_cost_rate, planning.min_level, planning.max_level,
        planning.fixed_quantity, greatest(1, internal.version_floor()))
    on conflict (item_id, location_id) do update
    set method = excluded.method, service_level = excluded.service_level, review_period_days = excluded.review_period_days,
        demand_days = excluded.demand_days, ordering_cost = excluded.ordering_cost,
        holding_cost_rate = excluded.holding_cost_rate, min_level = excluded.min_level, max_level = excluded.max_level,
        fixed_quantity = excluded.fixed_quantity, version = greatest(p.version + 1, internal.version_floor()),
        updated_at = clock_timestamp()
    where (p.method, p.service_level, p.review_period_days, p.demand_days, p.ordering_cost, p.holding_cost_rate, p.min_level,
            p.max_level, p.fixed_quantity)
        is distinct from (excluded.method, excluded.service_level, excluded.review_period_days, excluded.demand_days,
            excluded.ordering_cost, excluded.holding_cost_rate, excluded.min_level, excluded.max_level, excluded.fixed_quantity)
$$;

comment on function internal.write_planning(inventory.item_planning) is 'Writes how an item is planned.';
