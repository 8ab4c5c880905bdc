-- How the orders for an item are worked out, at a location or, without one, at all where it is planned. No row where it is not.
-- Errors: IV003, IV008 without a sku. Locks nothing. Security definer because readers of api have no right on the tables.
create or replace function api.get_item_planning(sku text, location text default null)
returns setof api.item_planning_state
language plpgsql
stable
security definer
rows 3
set search_path = ''
as $$
declare
    v_item_id constant uuid := internal.item_id_of(sku);
begin
    return query
    select get_item_planning.sku, p.item_id, p.location_id, p.method, p.service_level, p.review_period_days, p.demand_days,
        p.ordering_cost, p.holding_cost_rate, p.min_level, p.max_level, p.fixed_quantity, p.version, p.updated_at
    from inventory.item_planning as p
    where p.item_id = v_item_id
        and (get_item_planning.location is null or p.location_id = get_item_planning.location)
    order by p.location_id;
end
$$;

revoke execute on function api.get_item_planning(text, text) from public;
grant execute on function api.get_item_planning(text, text) to onhand_api, onhand_reader;
comment on function api.get_item_planning(text, text) is 'How the orders for an item are worked out.';
