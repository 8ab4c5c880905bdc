-- What api.get_forecast answers. Catalogue only: no table is touched.
set local role onhand_owner;

create type api.demand_forecast as (
    sku text, location text, days integer, since timestamptz, until timestamptz, demand_days integer, mean_daily double precision,
    stddev_daily double precision, expected double precision, at_least double precision, at_most double precision
);
comment on type api.demand_forecast is 'Demand of an item that is expected in the days ahead, and the range it stays in.';

reset role;
