-- f11: one location's negative balance does not hide what another has.
begin;
select plan(7);
select test.make_catalogue();
select * from api.set_stock_policy('A', 'W1', policy => 'oversell');
select * from api.remove_stock('A', 'W1', 30);
select * from api.add_stock('A', 'W2', 20);
select * from api.reserve_stock('A', 'W2', 4);
select count(*) from api.fold_stock_summary();
select is((select (s.on_hand, s.reserved, s.available)::text from api.stock_summary as s where s.sku = 'A'), '(20,4,16)', 'totals count a location below zero as nothing');
select is((select s.status from api.stock_summary as s where s.sku = 'A'), 'in_stock', 'so the item is in stock');
select is((select s.oversold from api.stock_summary as s where s.sku = 'A'), 30::bigint, 'what is oversold stands apart');
select is((select (s.by_location -> 'W1' ->> 'on_hand', s.by_location -> 'W1' ->> 'available')::text from api.stock_summary as s where s.sku = 'A'), '(-30,-30)', 'the location itself shows its balance');
select is((select s.by_location_type -> 'warehouse' from api.stock_summary as s where s.sku = 'A'),
    '{"locations": 2, "on_hand": 20, "reserved": 4, "available": 16, "oversold": 30}'::jsonb, 'totals by type neither');
select * from api.upsert_location('W1', type => 'store');
select count(*) from api.fold_stock_summary();
select is((select s.by_location_type from api.stock_summary as s where s.sku = 'A'),
    '{"store": {"locations": 1, "on_hand": 0, "reserved": 0, "available": 0, "oversold": 30}, "warehouse": {"locations": 1, "on_hand": 20, "reserved": 4, "available": 16}}'::jsonb,
    'nor does a type below zero go below zero');
select is_empty('select * from test.broken_rules()', 'every invariant holds');
select * from finish();
rollback;
