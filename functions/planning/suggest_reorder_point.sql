-- Inventory position at which to order: d * L + safety stock, rounded up; d the mean daily demand, L the lead time with the review period, the
-- safety stock as api.suggest_safety_stock has it. Put it in force with api.set_stock_policy.
-- Null, and missing names supplier, where nobody delivers the item.
-- Errors: IV003, IV004, IV008, IV028. Locks nothing. Security definer because readers of api have no right on the tables.
create or replace function api.suggest_reorder_point(sku text, location text, service_level numeric default null,
    days integer default null, supplier text default null)
returns setof api.reorder_point_suggestion
language sql
stable
security definer
rows 1
set search_path = ''
as $$
    select p.sku, p.location_id, p.supplier, p.demand_days, p.mean_daily, p.lead_time_days, p.review_period_days, p.safety_stock,
        p.reorder_point, array(select m from unnest(p.missing) as m where m = 'supplier')
    from internal.plan_for(sku, location, supplier, service_level, days) as p
$$;

revoke execute on function api.suggest_reorder_point(text, text, numeric, integer, text) from public;
grant execute on function api.suggest_reorder_point(text, text, numeric, integer, text) to onhand_api, onhand_reader;
comment on function api.suggest_reorder_point(text, text, numeric, integer, text) is 'Inventory position at which to order an item.';
