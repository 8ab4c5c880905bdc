-- How much to order at a time, by the method of the planning (eoq where there is none): eoq = sqrt(2 * D * K / h); min_max = max_level less the
-- inventory position (0 where it is reached); fixed = fixed_quantity. Rounded up to packs of the supplier and at least its minimum.
-- Null where missing names what is not known: demand, holding_cost_rate, ordering_cost, unit_cost (eoq); without a supplier neither packs nor
-- minimum are. Source: internal.plan_item.
-- Errors: IV003, IV004, IV008, IV028. Locks nothing. Security definer because readers of api have no right on the tables.
create or replace function api.suggest_order_quantity(sku text, location text, days integer default null,
    supplier text default null)
returns setof api.order_quantity_suggestion
language sql
stable
security definer
rows 1
set search_path = ''
as $$
    select p.sku, p.location_id, p.supplier, p.method, p.mean_daily, p.unit_cost, p.currency, p.ordering_cost, p.holding_cost_rate,
        p.economic_quantity, p.inventory_position, p.minimum_order_quantity, p.order_multiple, p.order_quantity, p.missing
    from internal.plan_for(sku, location, supplier, null, days) as p
$$;

revoke execute on function api.suggest_order_quantity(text, text, integer, text) from public;
grant execute on function api.suggest_order_quantity(text, text, integer, text) to onhand_api, onhand_reader;
comment on function api.suggest_order_quantity(text, text, integer, text) is 'How much of an item to order at a time.';
