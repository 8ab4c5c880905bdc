-- Demand of an item in the last days (of 24 hours, back from until), at a location or, without one, at all: sold and taken units less returns,
-- from the ledger. mean_daily = demand / days and stddev_daily (of a sample, n - 1) count days without demand as 0. What was asked for and
-- not there is not in the ledger; neither are transfers demand: another location of the house asked for them.
-- Errors: IV003, IV004, IV008 if days is not 1 to 730 or until outside the years 3 to 9999. Locks nothing. Security definer because readers of api have no right on the tables.
create or replace function api.get_demand_statistics(sku text, location text default null, days integer default 90,
    until timestamptz default null)
returns setof api.demand_statistics
language plpgsql
stable
security definer
rows 1
set search_path = ''
as $$
declare
    v_item_id constant uuid := internal.item_id_of(sku);
    v_location_id constant text := case when location is not null then internal.location_id_of(location) end;
    v_days constant integer := coalesce(days, 90);
    v_until constant timestamptz := coalesce(until, clock_timestamp());
begin
    perform internal.check_days(v_days);
    if not v_until between '0003-01-01 00:00:00+00' and '9999-12-30 00:00:00+00' then
        perform internal.raise_error('IV008', internal.problem('until', 'must lie in the years 3 to 9999'));
    end if;
    return query
    select get_demand_statistics.sku, v_location_id, v_days, v_until - make_interval(days => v_days), v_until, d.demand,
        d.days_with_demand, d.mean_daily, d.stddev_daily
    from internal.demand_of(v_item_id, v_location_id, v_days, v_until) as d;
end
$$;

revoke execute on function api.get_demand_statistics(text, text, integer, timestamptz) from public;
grant execute on function api.get_demand_statistics(text, text, integer, timestamptz) to onhand_api, onhand_reader;
comment on function api.get_demand_statistics(text, text, integer, timestamptz) is 'Mean and deviation of the daily demand of an item.';
