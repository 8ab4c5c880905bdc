-- api.fold_stock_summary: totals, breakdowns, versions. Commits out of order need several sessions: what is tested of that here are the
-- transactions that the fold takes note of.
begin;
select plan(39);
select test.make_catalogue();
create function pg_temp.fold(max_movements integer default 10000) returns text language sql
    as $$ select concat_ws(' ', f.movements, f.items, f.changed, f.caught_up) from api.fold_stock_summary(max_movements) as f $$;
create function pg_temp.totals(sku text) returns text language sql
    as $$ select concat_ws(' ', s.on_hand, s.reserved, s.available, s.status, s.location_count, 'v' || s.version) from api.stock_summary as s where s.sku = totals.sku $$;
-- Every summary is what its levels say, and every item with a level has one.
create function pg_temp.wrong() returns bigint language sql
    as $$ select count(*) from (select distinct item_id from inventory.stock_level) as k full join inventory.stock_summary as s using (item_id)
        left join internal.summaries_of(array(select id from inventory.item)) as n using (item_id)
        where (n.sku, n.on_hand, n.reserved, n.available, n.in_transit, n.backordered, n.damaged, n.incoming, n.oversold, n.threshold, n.status, n.by_location, n.by_location_type)
            is distinct from (s.sku, s.on_hand, s.reserved, s.available, s.in_transit, s.backordered, s.damaged, s.incoming, s.oversold, s.threshold, s.status, s.by_location, s.by_location_type) $$;

-- The first fold of a database looks at what is there.
select is(pg_temp.fold(), '0 0 0 t', 'nothing was there');
select is((select count(*) from inventory.stock_summary), 0::bigint, 'an item that never was stocked has no summary');
select is((select f.system_identifier from inventory.stock_summary_fold as f), (select c.system_identifier from pg_control_system() as c), 'the cluster is noted');

select * from api.add_stock('A', 'W1', 10);
select * from api.add_stock('A', 'W2', 5);
select * from api.reserve_stock('A', 'W2', 5);
select is(pg_temp.fold(), '3 1 1 t', 'three movements of one item are one change');
select is(pg_temp.totals('A'), '15 5 10 in_stock 2 v1', 'totals over both locations');
select is((select s.by_location from api.stock_summary as s where s.sku = 'A'),
    '{"W1": {"status": "in_stock", "on_hand": 10, "reserved": 0, "available": 10}, "W2": {"status": "out_of_stock", "on_hand": 5, "reserved": 5, "available": 0}}'::jsonb, 'by location');
select is((select s.by_location_type from api.stock_summary as s where s.sku = 'A'),
    '{"warehouse": {"locations": 2, "on_hand": 15, "reserved": 5, "available": 10}}'::jsonb, 'by type of location');
select is(pg_temp.wrong(), 0::bigint, 'as the levels say');

-- What the transaction wrote that this runs in is found each time, since it may write on.
select is(pg_temp.fold(), '3 1 0 t', 'what did not change keeps its version');
select is(pg_temp.totals('A'), '15 5 10 in_stock 2 v1', 'indeed');
select * from api.add_stock('B', 'W1', 1);
select is(pg_temp.fold(), '4 2 1 t', 'what the transaction wrote after a fold is found');
select is(pg_temp.totals('B'), '1 0 1 in_stock 1 v1', 'and summarised');

-- Policy, status, other states.
select * from api.set_stock_policy('A', 'W1', safety_stock => 3, reorder_point => 10);
select pg_temp.fold();
select is(pg_temp.totals('A'), '15 5 10 low_stock 2 v2', 'available at the threshold is low');
select is((select s.threshold from api.stock_summary as s where s.sku = 'A'), 10::bigint, 'the larger of safety stock and reorder point');
select * from api.remove_stock('A', 'W1', 10);
select pg_temp.fold();
select is(pg_temp.totals('A'), '5 5 0 out_of_stock 2 v3', 'nothing available');
select * from api.quarantine_stock('B', 'W1', 1, reason => 'wet');
select pg_temp.fold();
select is((select (s.on_hand, s.damaged, s.by_location -> 'W1' ->> 'damaged', s.by_location_type -> 'warehouse' ->> 'damaged')::text from api.stock_summary as s where s.sku = 'B'),
    '(0,1,1,1)', 'states that are not 0 are in the breakdowns');
select is(pg_temp.wrong(), 0::bigint, 'as the levels say');

-- What never runs out is in stock.
select * from api.upsert_item('SONG', 'A song', kind => 'digital');
select * from api.reserve_stock('SONG', 'W1', 1000);
select pg_temp.fold();
select is((select (s.status, s.available, s.oversold)::text from api.stock_summary as s where s.sku = 'SONG'), '(in_stock,0,0)', 'an unlimited item is in stock whatever its balance');

-- The type of a location.
select * from api.upsert_location('W2', type => 'store');
select pg_temp.fold();
select is((select jsonb_object_agg(t.key, t.value -> 'on_hand') from api.stock_summary as s, jsonb_each(s.by_location_type) as t where s.sku = 'A'),
    '{"store": 5, "warehouse": 0}'::jsonb, 'a location that changes its type changes the breakdown of its items');
select is((select l.type from inventory.stock_summary_location as l where l.location_id = 'W2'), 'store', 'the type is noted');
select is(pg_temp.wrong(), 0::bigint, 'as the levels say');

-- Bounded steps. This transaction is never cut in two, so a movement of other ones is made up.
select * from api.upsert_items('[{"sku": "P1", "name": "p"}, {"sku": "P2", "name": "p"}, {"sku": "P3", "name": "p"}]');
create temporary table mark as select f.next_transaction as next, pg_snapshot_xmax(pg_current_snapshot())::text::bigint as now from inventory.stock_summary_fold as f;
insert into inventory.stock_level (item_id, location_id, on_hand, available, status, version) select i.id, 'W1', 7, 7, 'in_stock', 1 from inventory.item as i where i.sku like 'P_';
insert into inventory.stock_movement (item_id, location_id, version, type, on_hand_delta, on_hand, reserved, in_transit, backordered, damaged, available, source, occurred_at, recorded_at, transaction_id)
select i.id, 'W1', 1, 'receipt', 7, 7, 0, 0, 0, 0, 7, 'test', now(), now(), case i.sku when 'P1' then 11 when 'P2' then 11 else 12 end from inventory.item as i where i.sku like 'P_';
update inventory.stock_summary_fold set next_transaction = 10, open_transactions = '{}';
select is((select count(*) from inventory.stock_summary where sku like 'P_'), 0::bigint, 'three to come');
select matches(pg_temp.fold(1), ' f$', 'a bounded step is not caught up');
select is((select string_agg(sku, ' ' order by sku) from inventory.stock_summary where sku like 'P_'), 'P1 P2', 'a transaction is not cut in two');
select is((select f.next_transaction from inventory.stock_summary_fold as f), 12::bigint, 'the next one is next');
select pg_temp.fold(1);
select is((select count(*) from inventory.stock_summary where sku like 'P_'), 3::bigint, 'the next step goes on there');

-- Transactions that had not ended at the last fold are found by their number, wherever that lies.
update inventory.stock_level set on_hand = 8, available = 8, version = 2 where item_id = (select id from inventory.item where sku = 'P1');
insert into inventory.stock_movement (item_id, location_id, version, type, on_hand_delta, on_hand, reserved, in_transit, backordered, damaged, available, source, occurred_at, recorded_at, transaction_id)
select i.id, 'W1', 2, 'receipt', 1, 8, 0, 0, 0, 0, 8, 'test', now(), now() - interval '10 minutes', 5 from inventory.item as i where i.sku = 'P1';
update inventory.stock_summary_fold set next_transaction = (select now from mark), open_transactions = '{}';
select pg_temp.fold();
select is((select on_hand from inventory.stock_summary where sku = 'P1'), 7::bigint, 'a transaction that had ended is not looked at again');
update inventory.stock_summary_fold set next_transaction = (select now from mark), open_transactions = '{5,6}';
select pg_temp.fold();
select is((select on_hand from inventory.stock_summary where sku = 'P1'), 8::bigint, 'one that was open is');
select ok((select not f.open_transactions @> '{5}' from inventory.stock_summary_fold as f), 'and is closed then');
select ok((select pg_current_xact_id()::text::bigint >= f.next_transaction or pg_current_xact_id()::text::bigint = any (f.open_transactions)
    from inventory.stock_summary_fold as f), 'the transaction that this runs in is still to come, or open');

-- A dump restored into another cluster: transaction numbers mean nothing there.
update inventory.stock_summary_fold set system_identifier = 1, next_transaction = 9000000000000000, open_transactions = '{7}';
update inventory.stock_summary set on_hand = 77, by_location = '{}' where sku in ('A', 'P3');
select matches(pg_temp.fold(2), ' f$', 'all summaries are made anew, some with each call');
select isnt((select f.rebuilt_to from inventory.stock_summary_fold as f), null, 'one after the other');
select pg_temp.fold(2), pg_temp.fold(2), pg_temp.fold(2);
select is((select f.rebuilt_to from inventory.stock_summary_fold as f), null, 'to the end');
select is(pg_temp.wrong(), 0::bigint, 'then all are right');
select is((select f.system_identifier from inventory.stock_summary_fold as f), (select c.system_identifier from pg_control_system() as c), 'this cluster is noted');

-- Versions.
select api.raise_epoch('test');
select * from api.add_stock('A', 'W1', 1);
select pg_temp.fold();
select is((select version from inventory.stock_summary where sku = 'A'), 1099511627776, 'a version is never below the epoch');

select throws_ok('select * from api.fold_stock_summary(0)', 'IV008', null, '0 movements are refused');
select throws_ok('select * from api.fold_stock_summary(1000001)', 'IV008', null, '1,000,001 too');
select throws_ok('select * from api.fold_stock_summary(null)', 'IV008', null, 'and null');
select * from finish();
rollback;
