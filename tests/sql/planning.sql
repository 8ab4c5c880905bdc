-- api.get_demand_statistics, api.get_forecast, api.suggest_safety_stock, api.suggest_reorder_point, api.suggest_order_quantity, api.set_item_planning,
-- api.get_item_planning, api.list_reorder_suggestions; numbers worked out by hand.
begin;
select plan(97);
select test.make_catalogue();
select api.upsert_items('[{"sku": "NEW", "name": "Never stocked"}, {"sku": "KIT", "name": "Kit", "kind": "bundle"}]');
select api.upsert_supplier('S1'), api.upsert_supplier('S2'), api.upsert_supplier('GONE', status => 'archived');

-- Demand of 4 days: 10, 20, 30, 0; mean 60 / 4 = 15, deviation sqrt((25 + 25 + 225 + 225) / 3) = sqrt(500 / 3).
select api.add_stock('A', 'W1', 1000), api.add_stock('A', 'W2', 1000);
select api.remove_stock('A', 'W1', 10, occurred_at => now() - interval '1 hour');
select api.remove_stock('A', 'W1', 14, occurred_at => now() - interval '25 hours');
select api.reserve_stock('A', 'W1', 16);
select api.confirm_reservation(r.id, occurred_at => now() - interval '30 hours') from inventory.reservation as r;
select api.return_stock('A', 'W1', 6, reason => 'back', occurred_at => now() - interval '26 hours');
select api.return_stock('A', 'W1', 4, reason => 'back, broken', state => 'damaged', occurred_at => now() - interval '27 hours');
select api.remove_stock('A', 'W1', 30, occurred_at => now() - interval '49 hours');
select api.remove_stock('A', 'W1', 99, occurred_at => now() - interval '97 hours');
select api.remove_stock('A', 'W2', 40, occurred_at => now() - interval '2 hours');
select api.adjust_stock('A', 'W1', -5, reason => 'lost'), api.move_stock('A', 'W1', 'W2', 5);
select results_eq($$ select sku, location, days, until - since, demand, days_with_demand, mean_daily, round(stddev_daily::numeric, 9) from api.get_demand_statistics('A', 'W1', 4) $$,
    $$ values ('A', 'W1', 4, interval '4 days', 60::bigint, 3, 15::double precision, round(sqrt(500 / 3.0), 9)) $$,
    'sold and taken units less returns, by the day they happened on; corrections and moves are no demand');
select is((select demand from api.get_demand_statistics('A', days => 4)), 100::bigint, 'all locations together');
select is((select demand from api.get_demand_statistics('A', 'W1', 5)), 159::bigint, 'a longer window has more');
select is((select demand from api.get_demand_statistics('A', 'W1', 2, now() - interval '24 hours')), 50::bigint, 'a window may end in the past');
select is((select days || ' ' || mean_daily from api.get_demand_statistics('A', 'W1')), '90 ' || 159 / 90.0::double precision, '90 days unless it says otherwise');
select is((select demand || ' ' || stddev_daily from api.get_demand_statistics('A', 'W1', 1)), '10 0', 'a single day does not deviate');
select is((select concat_ws(' ', demand, days_with_demand, mean_daily, stddev_daily) from api.get_demand_statistics('B', 'W1', 30)), '0 0 0 0', 'no demand is 0');
select throws_ok($$ select * from api.get_demand_statistics('NONE', 'W1') $$, 'IV003', null, 'an unknown item is refused');
select throws_ok($$ select * from api.get_demand_statistics(null) $$, 'IV008', null, 'no item too');
select throws_ok($$ select * from api.get_demand_statistics('A', 'NONE') $$, 'IV004', null, 'an unknown location is refused');
select throws_ok($$ select * from api.get_demand_statistics('A', 'W1', 0) $$, 'IV008', null, 'no days are refused');
select throws_ok($$ select * from api.get_demand_statistics('A', 'W1', 731) $$, 'IV008', null, 'more than two years too');

-- The quantiles of the normal distribution, as tables have them.
select is(round(internal.normal_quantile(q.p)::numeric, 12), q.z, 'the z of ' || q.p)
from (values (0.5::double precision, 0::numeric), (0.9, 1.281551565545), (0.95, 1.644853626951), (0.975, 1.959963984540), (0.99, 2.326347874041),
    (0.999, 3.090232306168), (0.01, -2.326347874041), (0.00001, -4.264890793923)) as q (p, z);

-- Safety stock: z(0.95) * sqrt(9 * 500 / 3 + 15^2 * 2^2) = 1.644854 * sqrt(2400) = 80.58 -> 81; reorder point 15 * 9 + 81 = 216.
select api.set_item_supplier('A', 'S1', 9, 2, 10, 12, 200, 'EUR', 1), api.set_item_supplier('A', 'S2', 4, priority => 2);
select api.set_item_planning('A', 'W1', demand_days => 4, ordering_cost => 5000, holding_cost_rate => 0.25);
select results_eq($$ select sku, location, supplier, service_level, round(z::numeric, 6), demand_days, mean_daily, lead_time_days, lead_time_stddev_days, review_period_days, safety_stock, missing
        from api.suggest_safety_stock('A', 'W1') $$,
    $$ values ('A', 'W1', 'S1', 0.95::double precision, 1.644854, 4, 15::double precision, 9::double precision, 2::double precision, 0::double precision, 81::bigint, '{}'::text[]) $$,
    'safety stock follows from demand, lead time and service level');
select results_eq($$ select safety_stock, reorder_point, missing from api.suggest_reorder_point('A', 'W1') $$, $$ values (81::bigint, 216::bigint, '{}'::text[]) $$, 'the reorder point from that');
-- z(0.5) = 0; z(0.99) * sqrt(2400) = 2.326348 * 48.98979 = 113.97.
select is((select safety_stock from api.suggest_safety_stock('A', 'W1', 0.5)), 0::bigint, 'at one in two there is none');
-- Forecast: 16 days of the mean 15, and 1.959964 * sqrt(500 / 3) * sqrt(16) = 101.21 on either side; the window of 4 days is that of the planning.
select results_eq($$ select sku, location, days, until - since, demand_days, mean_daily, round(stddev_daily::numeric, 9), expected,
        round(at_least::numeric, 2), round(at_most::numeric, 2) from api.get_forecast('A', 'W1', 16) $$,
    $$ values ('A', 'W1', 16, interval '16 days', 4, 15::double precision, round(sqrt(500 / 3.0), 9), 240::double precision, 138.79, 341.21) $$,
    'demand is expected to go on as it was, within a range');
select results_eq($$ select days, expected, at_least from api.get_forecast('A', 'W1', 1) $$, $$ values (1, 15::double precision, 0::double precision) $$, 'it is never below nothing');
select results_eq($$ select location, days, demand_days, round(expected::numeric, 6) from api.get_forecast('A') $$, $$ values (null::text, 28, 90, round(199 * 28 / 90.0, 6)) $$,
    'four weeks at all locations, from 90 days, unless it says otherwise');
select results_eq($$ select expected, at_least, at_most from api.get_forecast('B', 'W1') $$, $$ values (0::double precision, 0::double precision, 0::double precision) $$, 'of what was never sold nothing is expected');
select is((select days from api.get_forecast('A', 'W1', null)), 28, 'no days are four weeks');
select is((select days from api.get_forecast('A', 'W1', 730)), 730, 'two years are answered');
select throws_ok($$ select * from api.get_forecast('A', 'W1', 731) $$, 'IV008', null, 'more are refused');
select throws_ok($$ select * from api.get_forecast('A', 'W1', 0) $$, 'IV008', null, 'as are none');
select throws_ok($$ select * from api.get_forecast('NONE') $$, 'IV003', null, 'an unknown item is refused');
select throws_ok($$ select * from api.get_forecast('A', 'NONE') $$, 'IV004', null, 'an unknown location too');
select is((select safety_stock from api.suggest_safety_stock('A', 'W1', 0.99)), 114::bigint, 'a higher level needs more');
-- S2: sqrt(4 * 500 / 3) * 1.644854 = 42.47; 15 * 4 + 43.
select is((select safety_stock || ' ' || reorder_point from api.suggest_reorder_point('A', 'W1', supplier => 'S2')), '43 103', 'another supplier is faster');
-- One day: 10, no deviation: z * sqrt(10^2 * 2^2) = 32.897; 10 * 9 + 33.
select is((select safety_stock || ' ' || reorder_point from api.suggest_reorder_point('A', 'W1', days => 1)), '33 123', 'the lead time alone deviates');
-- Reviewed every 7 days: sqrt(16 * 500 / 3 + 900) * 1.644854 = 98.24; 15 * 16 + 99.
select api.set_item_planning('A', 'W1', review_period_days => 7);
select is((select safety_stock || ' ' || reorder_point from api.suggest_reorder_point('A', 'W1')), '99 339', 'stock has to last over the review period');
select api.set_item_planning('A', 'W1', review_period_days => 0, service_level => 0.9);
-- 1.281552 * 48.98979 = 62.78.
select is((select safety_stock from api.suggest_safety_stock('A', 'W1')), 63::bigint, 'the planning has its own level');
select is((select safety_stock is null and missing = '{supplier}' from api.suggest_safety_stock('B', 'W1')), true, 'without a supplier there is no lead time');
select is((select reorder_point is null and missing = '{supplier}' from api.suggest_reorder_point('B', 'W1')), true, 'and no reorder point');
select api.set_item_supplier('B', 'GONE', 1);
select is((select missing from api.suggest_reorder_point('B', 'W1')), '{supplier}', 'an archived supplier is none');
select is((select safety_stock from api.suggest_safety_stock('B', 'W1', supplier => 'GONE')), 0::bigint, 'unless it is named');
select throws_ok($$ select * from api.suggest_safety_stock('NONE', 'W1') $$, 'IV003', null, 'an unknown item is refused');
select throws_ok($$ select * from api.suggest_safety_stock('A', 'NONE') $$, 'IV004', null, 'an unknown location is refused');
select throws_ok($$ select * from api.suggest_safety_stock('A', null) $$, 'IV008', null, 'no location too');
select throws_ok($$ select * from api.suggest_safety_stock('A', 'W1', supplier => 'NONE') $$, 'IV028', null, 'an unknown supplier is refused');
select throws_ok($$ select * from api.suggest_safety_stock('A', 'W1', 0.49) $$, 'IV008', null, 'a service level below a half is refused');
select throws_ok($$ select * from api.suggest_safety_stock('A', 'W1', 1) $$, 'IV008', null, 'as is certainty');
select throws_ok($$ select * from api.suggest_safety_stock('A', 'W1', 'NaN') $$, 'IV008', null, 'and what is no number');
select throws_ok($$ select * from api.suggest_reorder_point('A', 'W1', days => 0) $$, 'IV008', null, 'no days are refused');

-- Order quantity: sqrt(2 * 15 * 365 * 5000 / (200 * 0.25)) = sqrt(1095000) = 1046.42 -> 1047, in packs of 12: 88 * 12 = 1056.
select results_eq($$ select method, unit_cost, currency, ordering_cost, holding_cost_rate, round(economic_quantity::numeric, 2), inventory_position, minimum_order_quantity,
        order_multiple, order_quantity, missing from api.suggest_order_quantity('A', 'W1') $$,
    $$ values ('eoq', 200::bigint, 'EUR', 5000::bigint, 0.25::double precision, 1046.42, 827::bigint, 10::bigint, 12::bigint, 1056::bigint, '{}'::text[]) $$,
    'the economic order quantity in packs');
select api.set_item_supplier('A', 'S1', minimum_order_quantity => 1100);
select is((select order_quantity from api.suggest_order_quantity('A', 'W1')), 1104::bigint, 'at least the minimum, in packs');
select is((select order_quantity is null and missing = '{unit_cost}' from api.suggest_order_quantity('A', 'W1', supplier => 'S2')), true, 'without a cost there is none');
select is((select missing from api.suggest_order_quantity('A', 'W2')), '{holding_cost_rate,ordering_cost}', 'nor where it is not planned');
select is((select missing from api.suggest_order_quantity('B', 'W1')), '{supplier,demand,holding_cost_rate,ordering_cost,unit_cost}', 'nor where nothing is known');
select throws_ok($$ select * from api.suggest_order_quantity('NONE', 'W1') $$, 'IV003', null, 'an unknown item is refused');
select throws_ok($$ select * from api.suggest_order_quantity('A', 'NONE') $$, 'IV004', null, 'an unknown location is refused');
select throws_ok($$ select * from api.suggest_order_quantity('A', 'W1', supplier => 'NONE') $$, 'IV028', null, 'an unknown supplier is refused');

-- Planning.
select results_eq($$ select sku, location, method, service_level, review_period_days, demand_days, ordering_cost, holding_cost_rate, min_level, max_level, fixed_quantity, version
        from api.get_item_planning('A') $$,
    $$ values ('A', 'W1', 'eoq', 0.9, 0::numeric, 4, 5000::bigint, 0.25, null::bigint, null::bigint, null::bigint, 3::bigint) $$, 'null keeps what is there');
select is((select version from api.set_item_planning('A', 'W1', 'eoq')), 3::bigint, 'what stays as it is keeps its version');
select throws_ok($$ select * from api.set_item_planning('A', 'W1', 'best') $$, 'IV008', null, 'an unknown method is refused');
select throws_ok($$ select * from api.set_item_planning('A', 'W1', 'min_max', min_level => 1) $$, 'IV008', null, 'min_max needs both levels');
select throws_ok($$ select * from api.set_item_planning('A', 'W1', 'min_max', min_level => 5, max_level => 5) $$, 'IV008', null, 'that differ');
select throws_ok($$ select * from api.set_item_planning('A', 'W1', 'min_max', min_level => -1, max_level => 5) $$, 'IV008', null, 'and are not below zero');
select throws_ok($$ select * from api.set_item_planning('A', 'W1', max_level => 1000000000001) $$, 'IV008', null, 'or beyond 10^12');
select throws_ok($$ select * from api.set_item_planning('A', 'W1', 'fixed') $$, 'IV008', null, 'fixed needs its quantity');
select throws_ok($$ select * from api.set_item_planning('A', 'W1', fixed_quantity => 0) $$, 'IV008', null, 'above zero');
select throws_ok($$ select * from api.set_item_planning('A', 'W1', service_level => 1) $$, 'IV008', null, 'certainty is refused');
select throws_ok($$ select * from api.set_item_planning('A', 'W1', review_period_days => -1) $$, 'IV008', null, 'a negative review period is refused');
select throws_ok($$ select * from api.set_item_planning('A', 'W1', demand_days => 0) $$, 'IV008', null, 'no days of demand are refused');
select throws_ok($$ select * from api.set_item_planning('A', 'W1', ordering_cost => 0) $$, 'IV008', null, 'orders cost something');
select throws_ok($$ select * from api.set_item_planning('A', 'W1', holding_cost_rate => 0) $$, 'IV008', null, 'holding too');
select throws_ok($$ select * from api.set_item_planning('NONE', 'W1') $$, 'IV003', null, 'an unknown item is refused');
select throws_ok($$ select * from api.set_item_planning('A', 'NONE') $$, 'IV004', null, 'an unknown location is refused');
select throws_ok($$ select * from api.set_item_planning('KIT', 'W1') $$, 'IV016', null, 'a bundle is not ordered');
select throws_ok($$ select * from api.get_item_planning('NONE') $$, 'IV003', null, 'an unknown item is refused in reading');
select is_empty($$ select * from api.get_item_planning('B') $$, 'an item may not be planned');

-- What has to be ordered. B at W1: 7 on hand and 5 incoming, reorder point 12; a hold that is due does not count.
select is_empty($$ select * from api.list_reorder_suggestions() $$, 'nothing, where no reorder point is set');
select api.add_stock('B', 'W1', 7), api.set_stock_policy('B', 'W1', reorder_point => 12);
create temporary table po as select * from api.place_purchase_order('S1', 'W1', '[{"sku": "B", "quantity": 5}]');
select results_eq($$ select sku, location, supplier, available, incoming, in_transit, backordered, inventory_position, reorder_point, method, order_quantity, missing
        from api.list_reorder_suggestions('W1') $$,
    $$ values ('B', 'W1', null::text, 7::bigint, 5::bigint, 0::bigint, 0::bigint, 12::bigint, 12::bigint, 'eoq', 1::bigint, '{supplier,demand,holding_cost_rate,ordering_cost,unit_cost}'::text[]) $$,
    'a position at the reorder point is listed');
select api.set_stock_policy('B', 'W1', reorder_point => 11);
select is_empty($$ select * from api.list_reorder_suggestions('W1') $$, 'one above it is not');
select api.reserve_stock('B', 'W1', 7, expires_in => interval '1 millisecond');
select pg_sleep(0.005);
select is((select available || ' ' || inventory_position from api.list_reorder_suggestions('W1')), null, 'a hold past its deadline does not count');
select api.cancel_purchase_order(purchase_order_id) from po;
select is((select inventory_position || ' ' || order_quantity from api.list_reorder_suggestions('W1')), '7 4', 'at least what is missing to the reorder point');
select api.set_item_supplier('B', 'S2', 3, minimum_order_quantity => 5, order_multiple => 3);
select is((select supplier || ' ' || order_quantity || ' ' || lead_time_days from api.list_reorder_suggestions('W1')), 'S2 6 3', 'in packs of the supplier');
select is((select count(*) from api.list_reorder_suggestions(supplier => 'S2')), 1::bigint, 'by supplier');
select is((select count(*) from api.list_reorder_suggestions(supplier => 'S1')), 0::bigint, 'that is asked first');
-- Min and max: up to the maximum, also where nothing was ever stocked.
select api.set_item_planning('NEW', 'W2', 'min_max', min_level => 3, max_level => 50);
select results_eq($$ select sku, location, inventory_position, reorder_point, order_quantity from api.list_reorder_suggestions('W2') $$,
    $$ values ('NEW', 'W2', 0::bigint, 3::bigint, 50::bigint) $$, 'min_max orders up to the maximum');
select is((select order_quantity from api.suggest_order_quantity('NEW', 'W2')), 50::bigint, 'as suggested');
select api.add_stock('NEW', 'W2', 4);
select is_empty($$ select * from api.list_reorder_suggestions('W2') $$, 'not above the minimum');
select is((select order_quantity from api.suggest_order_quantity('NEW', 'W2')), 46::bigint, 'though the maximum is not reached');
select api.add_stock('NEW', 'W2', 46), api.set_item_planning('NEW', 'W1', 'fixed', fixed_quantity => 20);
select is((select order_quantity from api.suggest_order_quantity('NEW', 'W2')), 0::bigint, 'nothing once it is');
select is((select order_quantity from api.suggest_order_quantity('NEW', 'W1')), 20::bigint, 'a fixed quantity is what it is');
select results_eq($$ select sku || location from api.list_reorder_suggestions() $$, array['BW1', 'NEWW1'], 'the most urgent first');
select is((select count(*) from api.list_reorder_suggestions(max_rows => 1)), 1::bigint, 'as many as asked for');
select api.upsert_item('NEW', status => 'archived');
select results_eq($$ select sku || location from api.list_reorder_suggestions() $$, array['BW1'], 'archived items are not ordered');
select throws_ok($$ select * from api.list_reorder_suggestions('NONE') $$, 'IV004', null, 'an unknown location is refused');
select throws_ok($$ select * from api.list_reorder_suggestions(supplier => 'NONE') $$, 'IV028', null, 'an unknown supplier is refused');
select throws_ok($$ select * from api.list_reorder_suggestions(max_rows => 1001) $$, 'IV008', null, 'a page of 1,001 rows is refused');
select * from finish();
rollback;
