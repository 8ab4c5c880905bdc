-- api.get_stock_summary: one item over all its locations.
begin;
select plan(6);
select test.make_catalogue();
select * from api.add_stock('A', 'W1', 10);
select * from api.reserve_stock('A', 'W1', 3);
select results_eq($$ select sku, on_hand, available, status, location_count, by_location, version, updated_at from api.get_stock_summary('A') $$,
    $$ values ('A' collate "C", 0::bigint, 0::bigint, 'out_of_stock', 0, '{}'::jsonb, 0::bigint, null::timestamptz) $$, 'before the first fold there are zeros, version 0');
select count(*) from api.fold_stock_summary();
select results_eq($$ select sku, on_hand, reserved, available, status, location_count, version from api.get_stock_summary('A') $$,
    $$ values ('A' collate "C", 10::bigint, 3::bigint, 7::bigint, 'in_stock', 1, 1::bigint) $$, 'after it the totals');
select is((select item_id from api.get_stock_summary('A')), (select id from api.get_item('A')), 'with the id of the item');
select is((select (status, version)::text from api.get_stock_summary('B')), '(out_of_stock,0)', 'an item that never was stocked has zeros');
select is_empty($$ select * from api.get_stock_summary('NONE') $$, 'an unknown sku has no row');
select is_empty($$ select * from api.get_stock_summary(null) $$, 'no sku neither');
select * from finish();
rollback;
