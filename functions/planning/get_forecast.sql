-- Expected demand of an item in the days ahead (of 24 hours, from now), at a location or, without one, at all, and the range it stays in with a
-- probability of 95 %: mean_daily * days, and z * stddev_daily * sqrt(days) on either side of it, never below 0; z of 97.5 %, so that as much is left
-- out above as below. Mean and deviation are those of the days of demand of its planning at the location, else of 90 (api.get_demand_statistics).
-- Demand without trend or season, of days that do not depend on each other, is assumed; an error in the mean itself is not part of the range.
-- Errors: IV003, IV004, IV008 if days is not 1 to 730. Locks nothing. Security definer because readers of api have no right on the tables.
create or replace function api.get_forecast(sku text, location text default null, days integer default 28)
returns setof api.demand_forecast
language plpgsql
stable
security definer
rows 1
set search_path = ''
as $$
declare
    v_item_id constant uuid := internal.item_id_of(sku);
    v_location_id constant text := case when location is not null then internal.location_id_of(location) end;
    v_days constant integer := coalesce(days, 28);
    v_window constant integer := coalesce((
        select p.demand_days
        from inventory.item_planning as p
        where p.item_id = v_item_id and p.location_id = v_location_id), 90);
    v_now constant timestamptz := clock_timestamp();
begin
    perform internal.check_days(v_days);
    return query
    select get_forecast.sku, v_location_id, v_days, v_now, v_now + make_interval(days => v_days), v_window, d.mean_daily, d.stddev_daily,
        f.expected, greatest(f.expected - f.margin, 0), f.expected + f.margin
    from internal.demand_of(v_item_id, v_location_id, v_window, v_now) as d
    cross join lateral (
        select greatest(d.mean_daily * v_days, 0), internal.normal_quantile(0.975) * d.stddev_daily * sqrt(v_days)
    ) as f (expected, margin);
end
$$;

revoke execute on function api.get_forecast(text, text, integer) from public;
grant execute on function api.get_forecast(text, text, integer) to onhand_api, onhand_reader;
comment on function api.get_forecast(text, text, integer) is 'Expected demand of an item in the days ahead, and the range it stays in.';
