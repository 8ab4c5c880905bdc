-- api.rebuild_stock_summary: all summaries anew.
begin;
select plan(9);
select test.make_catalogue();
select is(api.rebuild_stock_summary(), 0::bigint, 'nothing to summarise');
select * from api.add_stock('A', 'W1', 10);
select * from api.add_stock('B', 'W2', 20);
select is(api.rebuild_stock_summary(), 2::bigint, 'works without any fold before');
select is(api.rebuild_stock_summary(), 0::bigint, 'what is right is left alone');
select results_eq('select sku, available, version from api.stock_summary order by sku', $$ values ('A' collate "C", 10::bigint, 1::bigint), ('B', 20, 1) $$, 'and keeps its version');
update inventory.stock_summary set on_hand = 5, available = 5, by_location = '{"W1": {}}' where sku = 'A';
select is(api.rebuild_stock_summary(), 1::bigint, 'what is wrong is set right');
select is((select version from api.stock_summary where sku = 'A'), 2::bigint, 'with a new version');
delete from inventory.stock_summary;
select is(api.rebuild_stock_summary(), 2::bigint, 'what is missing is made');
select is((select f.rebuilt_to from inventory.stock_summary_fold as f), null, 'it is done when the call is');
select is((select count(*) from inventory.audit_entry where action = 'rebuild_stock_summary'), 5::bigint, 'each call is audited');
select * from finish();
rollback;
