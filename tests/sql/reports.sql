-- The reports, against numbers worked out by hand. All movements are made up, so that they lie in the past.
begin;
select plan(28);
select * from api.upsert_items('[
    {"sku": "A", "name": "Item A", "metadata": {"unit_cost": 1, "price": 3}}, {"sku": "B", "name": "Item B", "metadata": {"price": 10}},
    {"sku": "C", "name": "Item C", "metadata": {"unit_cost": 100}}, {"sku": "D", "name": "Item D", "metadata": {"price": "dear"}},
    {"sku": "E", "name": "Item E", "metadata": {"unit_cost": 5}}, {"sku": "NEVER", "name": "Never stocked"},
    {"sku": "SONG", "name": "A song", "kind": "digital"}, {"sku": "G", "name": "G"}, {"sku": "H", "name": "H"}, {"sku": "K", "name": "K"},
    {"sku": "L", "name": "L"}, {"sku": "M", "name": "M"}, {"sku": "N", "name": "N"}, {"sku": "O", "name": "O"}, {"sku": "P", "name": "P"}]');
select * from api.upsert_locations('[{"id": "W1", "name": "Main"}, {"id": "W2"}]');

-- A movement so many days ago (of recording, and of the fact if it was reported late); makes the level with the first one.
create function pg_temp.past(sku text, location text, movement text, on_hand bigint, days numeric, late_by numeric default 0, damaged bigint default 0,
    reserved bigint default 0)
returns void language plpgsql as $$
declare
    v_at timestamptz := now() - days * interval '1 day';
    v_item uuid := (select i.id from inventory.item as i where i.sku = past.sku);
    s inventory.stock_level;
begin
    perform internal.ensure_movement_partition(v_at);
    insert into inventory.stock_level (item_id, location_id, version, policy, status, created_at)
    values (v_item, location, 1, case when past.sku = 'SONG' then 'unlimited' else 'oversell' end, case when past.sku = 'SONG' then 'in_stock' else 'out_of_stock' end, v_at)
    on conflict do nothing;
    update inventory.stock_level as l
    set on_hand = l.on_hand + past.on_hand, reserved = l.reserved + past.reserved, available = l.available + past.on_hand - past.reserved, damaged = l.damaged + past.damaged,
        version = l.version + 1, last_movement_at = v_at, status = internal.level_status(l.policy, l.available + past.on_hand - past.reserved, 0)
    where l.item_id = v_item and l.location_id = location
    returning l.* into s;
    insert into inventory.stock_movement (item_id, location_id, version, type, on_hand_delta, reserved_delta, damaged_delta, on_hand, reserved, in_transit, backordered, damaged,
        available, source, occurred_at, recorded_at)
    values (v_item, location, s.version, movement, past.on_hand, past.reserved, past.damaged, s.on_hand, s.reserved, 0, 0, s.damaged, s.available, 'test',
        v_at - late_by * interval '1 day', v_at);
end
$$;

-- A at W1: 60 before, then 40 in, 75 sold, 5 back: 70 sold net in 90 days, 56 in 28 days; 30 left.
select pg_temp.past('A', 'W1', 'receipt', 100, 120);
select pg_temp.past('A', 'W1', 'removal', -40, 90);
select pg_temp.past('A', 'W1', 'commit', -14, 60);
select pg_temp.past('A', 'W1', 'receipt', 40, 50);
select pg_temp.past('A', 'W1', 'commit', -61, 10);
select pg_temp.past('A', 'W1', 'return', 3, 5, damaged => 2);
select pg_temp.past('A', 'W1', 'adjustment', 2, 3);
-- B: 15 sold at W1, 5 at W2. C: 7. D: 3, and 50 that happened too long ago, told yesterday. E: none.
select pg_temp.past('B', 'W1', 'receipt', 20, 80), pg_temp.past('B', 'W1', 'commit', -15, 40);
select pg_temp.past('B', 'W2', 'removal', -5, 20);
select pg_temp.past('C', 'W1', 'receipt', 10, 30), pg_temp.past('C', 'W1', 'removal', -7, 29);
select pg_temp.past('D', 'W1', 'receipt', 60, 200), pg_temp.past('D', 'W1', 'commit', -50, 1, late_by => 100), pg_temp.past('D', 'W1', 'commit', -3, 2);
select pg_temp.past('E', 'W1', 'receipt', 9, 1, reserved => 2);
select pg_temp.past('E', 'W1', 'write_off', -1, 0.5), pg_temp.past('E', 'W1', 'transfer_out', -1, 0.5);
-- SONG: whatever is sold, it does not run out.
select pg_temp.past('SONG', 'W1', 'receipt', 1000, 300);
-- G: layers of 500, 25, 10, 20, 30; 485 are gone.
select pg_temp.past('G', 'W1', 'receipt', 500, 200), pg_temp.past('G', 'W1', 'transfer_in', 25, 100), pg_temp.past('G', 'W1', 'receive', 10, 75),
    pg_temp.past('G', 'W1', 'removal', -485, 60), pg_temp.past('G', 'W1', 'count', 20, 31), pg_temp.past('G', 'W1', 'adjustment', 30, 10);
-- H: 30 and 30, 20 gone: the older ones first. The older one was told late.
select pg_temp.past('H', 'W1', 'receipt', 30, 5), pg_temp.past('H', 'W1', 'receipt', 30, 4, late_by => 66), pg_temp.past('H', 'W1', 'removal', -20, 1);
-- K: one unit on each side of each limit.
select pg_temp.past('K', 'W1', 'receipt', 1, d.days) from unnest('{182,181,180.9,91,90.9,61,60.9,31,30.9,0}'::numeric[]) as d (days);
-- Dead stock: L sold last 90 days ago, M 89.9, N never and came 95 days ago, O never and came 10 days ago, P is gone.
select pg_temp.past('L', 'W1', 'receipt', 9, 150), pg_temp.past('L', 'W1', 'commit', -4, 90), pg_temp.past('L', 'W1', 'adjustment', 1, 2);
select pg_temp.past('M', 'W1', 'receipt', 9, 150), pg_temp.past('M', 'W1', 'removal', -4, 89.9);
select pg_temp.past('N', 'W2', 'receipt', 6, 95), pg_temp.past('O', 'W1', 'receipt', 6, 10);
select pg_temp.past('P', 'W1', 'receipt', 4, 150), pg_temp.past('P', 'W1', 'removal', -4, 100);
select * from api.refresh_reports();

-- Balances with names.
select columns_are('api', 'mv_stock_summary', array['item_id', 'sku', 'name', 'location_id', 'location_name', 'quantity', 'reserved', 'available', 'reorder_point', 'safety_stock'],
    'mv_stock_summary has its columns');
select results_eq($$ select name, location_id, location_name, quantity, reserved, available, reorder_point, safety_stock from api.mv_stock_summary where sku = 'E' $$,
    $$ values ('Item E', 'W1' collate "C", 'Main', 7::bigint, 2::bigint, 5::bigint, 0::bigint, 0::bigint) $$, 'and its rows');
select is((select count(*) from api.mv_stock_summary), (select count(*) from inventory.stock_level), 'one for each level');

-- ABC. Only A to E are looked at: others sold in the last 90 days are M 4, H 20, G 485; so shares are worked out with 100 + 509 = 609.
select is((select sum(units_sold) from api.report_abc), 609::numeric, 'units sold: A 70, B 20, C 7, D 3, and G 485, H 20, M 4');
select results_eq($$ select sku, units_sold, units_share, class_by_units from api.report_abc where units_sold > 0 order by units_sold desc, sku $$,
    $$ values ('G' collate "C", 485::bigint, 0.796388, 'A'), ('A', 70, 0.114943, 'A'), ('B', 20, 0.032841, 'B'), ('H', 20, 0.032841, 'B'),
        ('C', 7, 0.011494, 'C'), ('M', 4, 0.006568, 'C'), ('D', 3, 0.004926, 'C') $$,
    '79.6 % before A, 91.1 % before B, 94.4 % before H, 97.7 % before C');
select results_eq($$ select sku, unit_value, value_sold, value_share, class_by_value from api.report_abc where class_by_value is not null order by value_sold desc, sku $$,
    $$ values ('C' collate "C", 100::numeric, 700::numeric, 0.721649, 'A'), ('B', 10, 200, 0.206186, 'A'), ('A', 1, 70, 0.072165, 'B'), ('E', 5, 0, 0, 'C') $$,
    'of 970: C from 0, B from 72.2 %, A from 92.8 %; not sold is C');
select is((select (class_by_units, class_by_value)::text from api.report_abc where sku = 'D'), '(C,)', 'a price that is no number is none');
select is((select class_by_units from api.report_abc where sku = 'E'), 'C', 'what was not sold is C');
select is_empty($$ select * from api.report_abc where sku = 'NEVER' $$, 'what never was stocked is left out');

-- Turnover.
select results_eq($$ select units_sold, opening_on_hand, closing_on_hand, average_on_hand, turnover, annual_turnover, days_of_inventory from api.report_turnover where sku = 'A' $$,
    $$ values (70::bigint, 60::bigint, 30::bigint, 45.0, 1.5556, 6.3086, 57.86) $$, '70 / ((60 + 30) / 2); times 365 / 90; 90 * 45 / 70');
select results_eq($$ select units_sold, opening_on_hand, closing_on_hand, turnover, days_of_inventory from api.report_turnover where sku = 'E' $$,
    $$ values (0::bigint, 0::bigint, 7::bigint, 0.0000, null::numeric) $$, 'nothing sold, nothing turned over');
select results_eq($$ select units_sold, opening_on_hand, closing_on_hand, turnover from api.report_turnover where sku = 'B' and location_id = 'W2' $$,
    $$ values (5::bigint, 0::bigint, 0::bigint, null::numeric) $$, 'nothing was ever there: no turnover; a balance below zero is none');
select results_eq($$ select units_sold, opening_on_hand, closing_on_hand from api.report_turnover where sku = 'D' $$,
    $$ values (3::bigint, 10::bigint, 7::bigint) $$, 'a fact counts when it happened, not when it was told');
select is_empty($$ select * from api.report_turnover where sku = 'SONG' $$, 'what does not run out is left out');

-- Ageing.
select results_eq($$ select on_hand, units_0_30, units_31_60, units_61_90, units_91_180, units_181_plus from api.report_ageing where sku = 'G' $$,
    $$ values (100::bigint, 30::bigint, 20::bigint, 10::bigint, 25::bigint, 15::bigint) $$, 'the newest arrivals are what is left');
select results_eq($$ select on_hand, units_0_30, units_31_60, units_61_90, units_91_180, units_181_plus from api.report_ageing where sku = 'H' $$,
    $$ values (40::bigint, 30::bigint, 0::bigint, 10::bigint, 0::bigint, 0::bigint) $$, 'by the day of arrival, not of recording');
select results_eq($$ select on_hand, units_0_30, units_31_60, units_61_90, units_91_180, units_181_plus from api.report_ageing where sku = 'K' $$,
    $$ values (10::bigint, 2::bigint, 2::bigint, 2::bigint, 2::bigint, 2::bigint) $$, 'limits in whole days');
select is_empty($$ select * from api.report_ageing as r where r.units_0_30 + r.units_31_60 + r.units_61_90 + r.units_91_180 + r.units_181_plus <> r.on_hand
    or least(r.units_0_30, r.units_31_60, r.units_61_90, r.units_91_180, r.units_181_plus) < 0 $$, 'each unit has one age');
select set_eq('select sku, location_id from api.report_ageing', $$ select i.sku, s.location_id from inventory.stock_level as s join inventory.item as i on i.id = s.item_id
    where s.on_hand > 0 and s.policy <> 'unlimited' $$, 'of all stock on hand');

-- Days of cover.
select results_eq($$ select available, units_sold, daily_demand, days_of_cover from api.report_days_of_cover where sku = 'A' $$,
    $$ values (30::bigint, 56::bigint, 2.0000, 15.00) $$, '61 sold less 5 back in 28 days: 2 a day, 30 last 15 days');
select results_eq($$ select available, units_sold, daily_demand, days_of_cover from api.report_days_of_cover where sku = 'B' order by location_id $$,
    $$ values (5::bigint, 0::bigint, 0.0000, null::numeric), (-5, 5, 0.1786, 0.00) $$, 'no demand: no number; nothing there: no day');
select results_eq($$ select available, units_sold, daily_demand, days_of_cover from api.report_days_of_cover where sku = 'D' $$,
    $$ values (7::bigint, 3::bigint, 0.1071, 65.33) $$, '7 * 28 / 3');
select is((select available from api.report_days_of_cover where sku = 'E'), 5::bigint, 'what is reserved does not cover');
select is_empty($$ select * from api.report_days_of_cover where sku = 'SONG' $$, 'what does not run out is left out');

-- Dead stock.
select results_eq($$ select sku, location_id, on_hand, last_sold_at, idle_since, idle_days from api.report_dead_stock where sku in ('L', 'M', 'N', 'O', 'P') order by sku $$,
    $$ values ('L' collate "C", 'W1' collate "C", 6::bigint, now() - interval '90 days', now() - interval '90 days', 90), ('N', 'W2', 6, null, now() - interval '95 days', 95) $$,
    'not sold for 90 days, or never since it came');
select set_eq('select sku from api.report_dead_stock', array['L', 'N', 'K'], 'and no other');
select ok((select idle_days = 182 from api.report_dead_stock where sku = 'K'), 'counted from the first arrival');

-- A second refresh at the same instant changes nothing.
create temporary table before as select r::text from api.report_turnover as r;
select count(*) from api.refresh_reports();
select set_eq('select r::text from api.report_turnover as r', 'select * from before', 'a refresh gives the same again');
select * from finish();
rollback;
