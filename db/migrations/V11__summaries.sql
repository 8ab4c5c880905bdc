-- Summaries of the stock by item, and reports. Adding the column to the ledger rewrites it, and its index is built while writers wait.
set local role onhand_owner;

-- Which transaction wrote a row: what was not committed at the last fold of the summaries, and is now, is found by it, whatever the
-- order of the commits. The system column xmin would not do: it has no index, and below a savepoint it is not the number of the transaction.
-- The ledger is only ever appended to, at the end of this index.
alter table inventory.stock_movement
    add column transaction_id bigint not null default pg_current_xact_id()::text::bigint;
comment on column inventory.stock_movement.transaction_id is 'Number of the transaction that wrote it, the same for all movements of one call. Means nothing in another cluster.';
create index stock_movement_transaction_id on inventory.stock_movement (transaction_id);

create table inventory.stock_summary (
    item_id uuid not null references inventory.item (id),
    sku text collate "C" not null,
    on_hand bigint not null,
    reserved bigint not null,
    available bigint not null,
    in_transit bigint not null,
    backordered bigint not null,
    damaged bigint not null,
    incoming bigint not null,
    oversold bigint not null,
    threshold bigint not null,
    status text not null,
    location_count integer not null,
    by_location jsonb not null,
    by_location_type jsonb not null,
    version bigint not null,
    updated_at timestamptz not null default clock_timestamp(),
    constraint stock_summary_pkey primary key (item_id),
    constraint stock_summary_totals_not_negative check (least(on_hand, reserved, available, in_transit, backordered, damaged, incoming,
        oversold, threshold) >= 0),
    constraint stock_summary_status_known check (status in ('in_stock', 'low_stock', 'out_of_stock')),
    constraint stock_summary_location_count_positive check (location_count > 0),
    constraint stock_summary_breakdown_objects check (jsonb_typeof(by_location) = 'object' and jsonb_typeof(by_location_type) = 'object'),
    constraint stock_summary_version_range check (version between 1 and 9007199254740991)
)
-- Up to some twenty locations stay in the row as they are: packing them with each change takes longer than writing them.
with (fillfactor = 70, toast_tuple_target = 4080, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);
comment on table inventory.stock_summary is 'Each item that was ever stocked, over all its locations, as of the last fold. Sums of balances as they are stored: a hold counts until it is written off.';
comment on column inventory.stock_summary.sku is 'The sku of the item, which never changes.';
comment on column inventory.stock_summary.on_hand is 'Sum over the locations. A location below zero counts as 0: it must not hide the stock of another.';
comment on column inventory.stock_summary.available is 'Sum over the locations. A location below zero counts as 0: it must not hide the stock of another.';
comment on column inventory.stock_summary.oversold is 'Sum of what is available below zero, where stock can run out.';
comment on column inventory.stock_summary.threshold is 'Sum of the larger of safety stock and reorder point.';
comment on column inventory.stock_summary.status is 'in_stock if a location never runs out, else what available and threshold give.';
comment on column inventory.stock_summary.by_location is 'Location id -> status and the balances as they are, also below zero: on_hand, reserved, available; in_transit, backordered, damaged, incoming only where they are not 0.';
comment on column inventory.stock_summary.by_location_type is 'Location type -> how many locations, and their totals: on_hand, reserved, available; in_transit, backordered, damaged, incoming, oversold only where they are not 0.';
comment on column inventory.stock_summary.version is 'Grows with every change of the row, also across a restore (see inventory.epoch).';

create table inventory.stock_summary_fold (
    id integer not null default 1,
    next_transaction bigint not null default 0,
    open_transactions bigint[] not null default '{}',
    system_identifier bigint,
    rebuilt_to uuid,
    rebuild_started_at timestamptz,
    folded_at timestamptz,
    folded_by text,
    duration interval,
    movements bigint not null default 0,
    constraint stock_summary_fold_pkey primary key (id),
    constraint stock_summary_fold_one_row check (id = 1),
    constraint stock_summary_fold_rebuild_runs check ((rebuilt_to is null) = (rebuild_started_at is null))
)
with (fillfactor = 50);
comment on table inventory.stock_summary_fold is 'How far inventory.stock_summary has got: one row.';
comment on column inventory.stock_summary_fold.next_transaction is 'All movements of transactions below this one are in the summaries, but for those of open_transactions.';
comment on column inventory.stock_summary_fold.open_transactions is 'Transactions below next_transaction that had not ended at the last fold.';
comment on column inventory.stock_summary_fold.system_identifier is 'The cluster that numbered the transactions; in another one all summaries are made anew.';
comment on column inventory.stock_summary_fold.rebuilt_to is 'While all summaries are made anew: the last item that was; null when that is done.';
comment on column inventory.stock_summary_fold.folded_at is 'When a fold last found something, who called it, how long it took and how many movements it was.';
insert into inventory.stock_summary_fold default values;

create table inventory.stock_summary_location (
    location_id text collate "C" not null references inventory.location (id),
    type text not null,
    constraint stock_summary_location_pkey primary key (location_id)
);
comment on table inventory.stock_summary_location is 'The type of each location that the summaries were made with: a change of it is a change of the items there.';

-- What the reports share.
create view inventory.stock_demand as
select m.item_id, m.location_id, least(m.occurred_at, m.recorded_at) as happened_at, m.recorded_at,
    -m.on_hand_delta - case m.type when 'return' then m.damaged_delta else 0 end as units
from inventory.stock_movement as m
where m.type in ('removal', 'commit', 'return');
comment on view inventory.stock_demand is 'Demand: what was sold (commit) and taken (removal), less what came back (return, also damaged), on the day it happened. A fact never happens after it is recorded.';

create materialized view inventory.mv_stock_summary as
select i.id as item_id, i.sku, i.name, l.id as location_id, l.name as location_name, s.on_hand as quantity, s.reserved,
    s.on_hand - s.reserved as available, s.reorder_point, s.safety_stock
from inventory.item as i
join inventory.stock_level as s on s.item_id = i.id
join inventory.location as l on l.id = s.location_id;
comment on materialized view inventory.mv_stock_summary is 'Balances by item and location with their names. Source: stock_level, item, location.';
create unique index mv_stock_summary_key on inventory.mv_stock_summary (item_id, location_id);
create index mv_stock_summary_sku on inventory.mv_stock_summary (sku);

create materialized view inventory.report_abc as
with sold as (
    select d.item_id, greatest(sum(d.units), 0) as units
    from inventory.stock_demand as d
    where d.recorded_at > now() - interval '90 days' and d.happened_at > now() - interval '90 days'
    group by d.item_id
), priced as (
    select i.id as item_id, i.sku, coalesce(s.units, 0) as units, coalesce(s.units, 0) * p.unit_value as value, p.unit_value
    from inventory.item as i
    left join sold as s on s.item_id = i.id
    cross join lateral (select case
        when jsonb_typeof(i.metadata -> 'unit_cost') = 'number' then (i.metadata ->> 'unit_cost')::numeric
        when jsonb_typeof(i.metadata -> 'price') = 'number' then (i.metadata ->> 'price')::numeric end) as p (unit_value)
    where s.item_id is not null or exists (select from inventory.stock_level as l where l.item_id = i.id)
), ranked as (
    select p.*,
        sum(p.units) over (order by p.units desc, p.sku) as units_so_far, sum(p.units) over () as all_units,
        sum(p.value) over (order by p.value desc nulls last, p.sku) as value_so_far, sum(p.value) over () as all_value
    from priced as p
)
select r.item_id, r.sku, r.units::bigint as units_sold, round(r.units / nullif(r.all_units, 0), 6) as units_share,
    case when r.units = 0 then 'C'
        when r.units_so_far - r.units < 0.80 * r.all_units then 'A'
        when r.units_so_far - r.units < 0.95 * r.all_units then 'B'
        else 'C' end as class_by_units,
    r.unit_value, r.value as value_sold, round(r.value / nullif(r.all_value, 0), 6) as value_share,
    case when r.value is null then null
        when r.value <= 0 then 'C'
        when r.value_so_far - r.value < 0.80 * r.all_value then 'A'
        when r.value_so_far - r.value < 0.95 * r.all_value then 'B'
        else 'C' end as class_by_value
from ranked as r;
comment on materialized view inventory.report_abc is 'ABC classes by units and by value sold in the last 90 days. Items from the largest down: A until 80 % are reached, B until 95 %, C the rest and what was not sold. Value = units x metadata.unit_cost of the item, else metadata.price; no class without either. Source: ledger (stock_demand), item.';
create unique index report_abc_key on inventory.report_abc (item_id);

create materialized view inventory.report_turnover as
with moved as (
    select m.item_id, m.location_id, sum(m.on_hand_delta) as on_hand_delta
    from inventory.stock_movement as m
    where m.recorded_at > now() - interval '90 days' and least(m.occurred_at, m.recorded_at) > now() - interval '90 days'
        and m.on_hand_delta <> 0
    group by m.item_id, m.location_id
), sold as (
    select d.item_id, d.location_id, greatest(sum(d.units), 0) as units
    from inventory.stock_demand as d
    where d.recorded_at > now() - interval '90 days' and d.happened_at > now() - interval '90 days'
    group by d.item_id, d.location_id
), balance as (
    select s.item_id, i.sku, s.location_id, coalesce(d.units, 0) as units,
        greatest(s.on_hand - coalesce(m.on_hand_delta, 0), 0) as opening, greatest(s.on_hand, 0) as closing
    from inventory.stock_level as s
    join inventory.item as i on i.id = s.item_id
    left join moved as m on m.item_id = s.item_id and m.location_id = s.location_id
    left join sold as d on d.item_id = s.item_id and d.location_id = s.location_id
    where s.policy <> 'unlimited'
)
select b.item_id, b.sku, b.location_id, b.units::bigint as units_sold, b.opening::bigint as opening_on_hand,
    b.closing as closing_on_hand, (b.opening + b.closing) / 2.0 as average_on_hand,
    round(b.units / nullif((b.opening + b.closing) / 2.0, 0), 4) as turnover,
    round(b.units / nullif((b.opening + b.closing) / 2.0, 0) * 365 / 90, 4) as annual_turnover,
    round(90 * ((b.opening + b.closing) / 2.0) / nullif(b.units, 0), 2) as days_of_inventory
from balance as b;
comment on materialized view inventory.report_turnover is 'Turnover of the last 90 days: units sold / average on hand, average = (opening + closing) / 2, opening = on hand less what moved since. Null where nothing was there (turnover) or nothing was sold (days of inventory = 90 / turnover). Source: ledger (stock_demand, on_hand_delta), stock_level.';
create unique index report_turnover_key on inventory.report_turnover (item_id, location_id);

create materialized view inventory.report_ageing as
with layer as (
    -- What arrived within the span of the report, newest first. Whatever is on hand beyond that is older.
    select a.item_id, a.location_id, a.arrived_at, a.units, sum(a.units) over (
        partition by a.item_id, a.location_id order by a.arrived_at desc, a.version desc rows unbounded preceding) - a.units as newer
    from (
        select m.item_id, m.location_id, m.version, m.on_hand_delta as units, least(m.occurred_at, m.recorded_at) as arrived_at
        from inventory.stock_movement as m
        where m.on_hand_delta > 0 and m.recorded_at > now() - interval '181 days'
    ) as a
    where a.arrived_at > now() - interval '181 days'
), kept as (
    select s.item_id, s.location_id, l.arrived_at, least(l.units, s.on_hand - l.newer) as units
    from inventory.stock_level as s
    join layer as l on l.item_id = s.item_id and l.location_id = s.location_id and l.newer < s.on_hand
), aged as (
    select k.item_id, k.location_id, sum(k.units) as units,
        sum(k.units) filter (where k.arrived_at > now() - interval '31 days') as units_0_30,
        sum(k.units) filter (where k.arrived_at <= now() - interval '31 days' and k.arrived_at > now() - interval '61 days') as units_31_60,
        sum(k.units) filter (where k.arrived_at <= now() - interval '61 days' and k.arrived_at > now() - interval '91 days') as units_61_90,
        sum(k.units) filter (where k.arrived_at <= now() - interval '91 days') as units_91_180
    from kept as k
    group by k.item_id, k.location_id
)
select s.item_id, i.sku, s.location_id, s.on_hand, coalesce(a.units_0_30, 0)::bigint as units_0_30,
    coalesce(a.units_31_60, 0)::bigint as units_31_60, coalesce(a.units_61_90, 0)::bigint as units_61_90,
    coalesce(a.units_91_180, 0)::bigint as units_91_180, (s.on_hand - coalesce(a.units, 0))::bigint as units_181_plus
from inventory.stock_level as s
join inventory.item as i on i.id = s.item_id
left join aged as a on a.item_id = s.item_id and a.location_id = s.location_id
where s.on_hand > 0 and s.policy <> 'unlimited';
comment on materialized view inventory.report_ageing is 'How many whole days ago the units on hand arrived at their location, first in first out: what is left is of the newest arrivals (any movement that adds to on hand). Source: ledger of the last 181 days, stock_level.';
create unique index report_ageing_key on inventory.report_ageing (item_id, location_id);

create materialized view inventory.report_days_of_cover as
with sold as (
    select d.item_id, d.location_id, greatest(sum(d.units), 0) as units
    from inventory.stock_demand as d
    where d.recorded_at > now() - interval '28 days' and d.happened_at > now() - interval '28 days'
    group by d.item_id, d.location_id
)
select s.item_id, i.sku, s.location_id, s.available, coalesce(d.units, 0)::bigint as units_sold,
    round(coalesce(d.units, 0) / 28, 4) as daily_demand, round(greatest(s.available, 0) * 28 / nullif(d.units, 0), 2) as days_of_cover
from inventory.stock_level as s
join inventory.item as i on i.id = s.item_id
left join sold as d on d.item_id = s.item_id and d.location_id = s.location_id
where s.policy <> 'unlimited';
comment on materialized view inventory.report_days_of_cover is 'How long stock lasts: available / average daily demand of the last 28 days; null without demand, 0 below zero. Source: ledger (stock_demand), stock_level.';
create unique index report_days_of_cover_key on inventory.report_days_of_cover (item_id, location_id);

create materialized view inventory.report_dead_stock as
with moving as (
    select distinct m.item_id, m.location_id
    from inventory.stock_movement as m
    where m.type in ('removal', 'commit') and m.recorded_at > now() - interval '90 days'
        and least(m.occurred_at, m.recorded_at) > now() - interval '90 days'
), still as (
    select s.item_id, s.location_id, s.on_hand, s.created_at
    from inventory.stock_level as s
    where s.on_hand > 0 and s.policy <> 'unlimited'
        and not exists (select from moving as m where m.item_id = s.item_id and m.location_id = s.location_id)
)
select s.item_id, i.sku, s.location_id, s.on_hand, h.last_sold_at, coalesce(h.last_sold_at, h.first_seen_at) as idle_since,
    floor(extract(epoch from now() - coalesce(h.last_sold_at, h.first_seen_at)) / 86400)::integer as idle_days
from still as s
join inventory.item as i on i.id = s.item_id
cross join lateral (
    select max(least(m.occurred_at, m.recorded_at)) filter (where m.type in ('removal', 'commit')) as last_sold_at,
        least(min(least(m.occurred_at, m.recorded_at)), s.created_at) as first_seen_at
    from inventory.stock_movement as m
    where m.item_id = s.item_id and m.location_id = s.location_id
) as h
where coalesce(h.last_sold_at, h.first_seen_at) <= now() - interval '90 days';
comment on materialized view inventory.report_dead_stock is 'Stock on hand without a removal or sale (commit) for 90 days; what was never sold counts from its arrival. Source: ledger, stock_level.';
create unique index report_dead_stock_key on inventory.report_dead_stock (item_id, location_id);

create table inventory.report_refresh (
    report text not null,
    refreshed_at timestamptz not null,
    refreshed_by text not null default session_user,
    duration interval not null,
    next_transaction bigint not null,
    constraint report_refresh_pkey primary key (report)
);
comment on table inventory.report_refresh is 'The last refresh of each report: when it read the tables, who called it, how long it took.';
comment on column inventory.report_refresh.next_transaction is 'Movements of this transaction and later ones are not in it.';
insert into inventory.report_refresh (report, refreshed_at, duration, next_transaction)
select m.matviewname, now(), '0', pg_snapshot_xmax(pg_current_snapshot())::text::bigint
from pg_catalog.pg_matviews as m
where m.schemaname = 'inventory';

-- What readers see.
create view api.stock_summary as
select s.item_id, s.sku, s.on_hand, s.reserved, s.available, s.in_transit, s.backordered, s.damaged, s.incoming, s.oversold,
    s.threshold, s.status, s.location_count, s.by_location, s.by_location_type, s.version, s.updated_at
from inventory.stock_summary as s;
comment on view api.stock_summary is 'Each item that was ever stocked, over all its locations, as of the last fold: see inventory.stock_summary.';

create view api.mv_stock_summary as
select r.item_id, r.sku, r.name, r.location_id, r.location_name, r.quantity, r.reserved, r.available, r.reorder_point, r.safety_stock
from inventory.mv_stock_summary as r;
comment on view api.mv_stock_summary is 'Balances by item and location with their names, as of the last refresh.';

create view api.report_abc as
select r.item_id, r.sku, r.units_sold, r.units_share, r.class_by_units, r.unit_value, r.value_sold, r.value_share, r.class_by_value
from inventory.report_abc as r;
comment on view api.report_abc is 'ABC classes of items, as of the last refresh: see inventory.report_abc.';

create view api.report_turnover as
select r.item_id, r.sku, r.location_id, r.units_sold, r.opening_on_hand, r.closing_on_hand, r.average_on_hand, r.turnover,
    r.annual_turnover, r.days_of_inventory
from inventory.report_turnover as r;
comment on view api.report_turnover is 'Turnover of stock, as of the last refresh: see inventory.report_turnover.';

create view api.report_ageing as
select r.item_id, r.sku, r.location_id, r.on_hand, r.units_0_30, r.units_31_60, r.units_61_90, r.units_91_180, r.units_181_plus
from inventory.report_ageing as r;
comment on view api.report_ageing is 'Age of stock in days, as of the last refresh: see inventory.report_ageing.';

create view api.report_days_of_cover as
select r.item_id, r.sku, r.location_id, r.available, r.units_sold, r.daily_demand, r.days_of_cover
from inventory.report_days_of_cover as r;
comment on view api.report_days_of_cover is 'How long stock lasts, as of the last refresh: see inventory.report_days_of_cover.';

create view api.report_dead_stock as
select r.item_id, r.sku, r.location_id, r.on_hand, r.last_sold_at, r.idle_since, r.idle_days
from inventory.report_dead_stock as r;
comment on view api.report_dead_stock is 'Stock that nobody buys, as of the last refresh: see inventory.report_dead_stock.';

create view api.report_staleness as
with due as (
    select 'stock_summary'::text as report, f.folded_at as refreshed_at, f.folded_by as refreshed_by, f.duration, f.next_transaction,
        f.open_transactions, f.rebuild_started_at
    from inventory.stock_summary_fold as f
    union all
    select r.report, r.refreshed_at, r.refreshed_by, r.duration, r.next_transaction, '{}', null
    from inventory.report_refresh as r
)
select d.report, d.refreshed_at, d.refreshed_by, d.duration,
    -- A summary is as old as the oldest change that is not in it; a report as its reading of the tables.
    greatest(extract(epoch from clock_timestamp() - case d.report
        when 'stock_summary' then least(p.recorded_at, d.rebuild_started_at)
        else d.refreshed_at end), 0)::double precision as age_seconds,
    p.movements as pending_movements
from due as d
cross join lateral (
    select count(*) as movements, min(b.recorded_at) as recorded_at
    from (
        -- In the order of the index: without it a plan might look for the few that are wanted in the whole ledger.
        (select m.recorded_at
        from inventory.stock_movement as m
        where m.transaction_id >= d.next_transaction
        order by m.transaction_id
        limit 1000)
        union all
        (select m.recorded_at
        from inventory.stock_movement as m
        where m.transaction_id = any (d.open_transactions)
        order by m.transaction_id
        limit 1000)
    ) as b
) as p;
comment on view api.report_staleness is 'How old the summaries and each report are: last refresh, by whom, how long it took, age, and movements that are not in it.';
comment on column api.report_staleness.refreshed_at is 'Last refresh; of stock_summary the last fold that found something.';
comment on column api.report_staleness.age_seconds is 'Since the refresh; of stock_summary since the oldest movement that is not in it, 0 if everything is.';
comment on column api.report_staleness.pending_movements is 'Counted up to 1,000.';

alter publication onhand_publication add table inventory.stock_summary;
grant select on inventory.stock_summary to onhand_cdc;
grant select on inventory.stock_summary, inventory.stock_summary_fold, inventory.stock_summary_location, inventory.report_refresh,
    inventory.stock_demand, inventory.mv_stock_summary, inventory.report_abc, inventory.report_turnover, inventory.report_ageing,
    inventory.report_days_of_cover, inventory.report_dead_stock to onhand_reader;
grant select on api.stock_summary, api.mv_stock_summary, api.report_abc, api.report_turnover, api.report_ageing,
    api.report_days_of_cover, api.report_dead_stock, api.report_staleness to onhand_api, onhand_reader;

reset role;
