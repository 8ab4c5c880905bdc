-- Demand of an item (inventory.stock_demand), at a location or (null) at all, in the days of 24 hours before an instant. A fact counts on the day
-- it happened on, also if it was reported late; days without any count as 0. The deviation is that of a sample (n - 1); 0 for a single day. Reads the ledger by key, the months of the window only.
create or replace function internal.demand_of(item_id uuid, location_id text, days integer, until timestamptz, out demand bigint,
    out days_with_demand integer, out mean_daily double precision, out stddev_daily double precision)
language sql
stable
set search_path = ''
as $$
    with daily as (
        select sum(h.units) as units
        from inventory.stock_demand as h
        where h.item_id = demand_of.item_id and (demand_of.location_id is null or h.location_id = demand_of.location_id)
            -- Nothing happens after it is recorded, so that this leaves out months that need not be looked at.
            and h.recorded_at > until - make_interval(days => days)
            and h.happened_at > until - make_interval(days => days) and h.happened_at <= until
        group by floor(extract(epoch from until - h.happened_at) / 86400)
    )
    select coalesce(sum(d.units), 0)::bigint, (count(*) filter (where d.units > 0))::integer,
        (coalesce(sum(d.units), 0) / days)::double precision,
        -- Of the missing days both sums are 0; numeric sums are exact, so that the difference is never below zero by rounding.
        case when days > 1 then sqrt(greatest(coalesce(sum(d.units * d.units), 0) - coalesce(sum(d.units), 0) ^ 2 / days, 0)
            / (days - 1)) else 0 end::double precision
    from daily as d
$$;

comment on function internal.demand_of(uuid, text, integer, timestamptz) is 'Demand of an item in the days before an instant, per day.';
