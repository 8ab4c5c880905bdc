-- Stock to keep against demand and lead times that vary: z * sqrt(L * s^2 + d^2 * l^2), rounded up; z of the service level, d and s mean and
-- deviation of the daily demand, L and l of the lead time (with the review period). Source: internal.plan_item.
-- service_level, days: else those of the planning, else 0.95 and 90; supplier: else the first of the item.
-- safety_stock is null, and missing names supplier, where nobody delivers the item: there is no lead time then.
-- Errors: IV003, IV004, IV008, IV028. Locks nothing. Security definer because readers of api have no right on the tables.
create or replace function api.suggest_safety_stock(sku text, location text, service_level numeric default null,
    days integer default null, supplier text default null)
returns setof api.safety_stock_suggestion
language sql
stable
security definer
rows 1
set search_path = ''
as $$
    select p.sku, p.location_id, p.supplier, p.service_level, p.z, p.demand_days, p.mean_daily, p.stddev_daily, p.lead_time_days,
        p.lead_time_stddev_days, p.review_period_days, p.safety_stock, array(select m from unnest(p.missing) as m where m = 'supplier')
    from internal.plan_for(sku, location, supplier, service_level, days) as p
$$;

revoke execute on function api.suggest_safety_stock(text, text, numeric, integer, text) from public;
grant execute on function api.suggest_safety_stock(text, text, numeric, integer, text) to onhand_api, onhand_reader;
comment on function api.suggest_safety_stock(text, text, numeric, integer, text) is 'Stock to keep against demand and lead times that vary.';
