-- The refusals that the headers of api functions name and that no test of the function itself meets. The test contracts finds out what is missing.
begin;
select plan(66);
select test.make_catalogue();
select api.upsert_items('[{"sku": "L", "name": "By lot", "tracking": "lot"}, {"sku": "S", "name": "By unit", "tracking": "serial"}]');
select api.upsert_reason('spoilt', 'Spoilt');
select api.upsert_supplier('S1', name => 'A supplier');
select api.add_stock('A', 'W1', 20, idempotency_key => 'k'), api.add_stock('OLD', 'W1', 5);
select api.add_stock('L', 'W1', 6, lot => 'good'), api.add_stock('L', 'W1', 6, lot => 'bad'), api.add_stock('S', 'W1', 3, serials => '{s1,s2,s3}');
select api.quarantine_stock('A', 'W1', 2), api.quarantine_stock('L', 'W1', 2, lot => 'good'), api.quarantine_stock('S', 'W1', 1, serials => '{s2}');
select api.recall_lot('L', 'bad');
select test.close_catalogue();
create temporary table n as select * from api.open_count('W1', '{A}');
create temporary table shipped as select transfer_id as id from api.ship_stock('W1', 'W2', 'A', 2);
create temporary table parcel as select transfer_id as id from api.ship_stock('W1', 'W2', 'S', 1, serials => '{s1}');
create temporary table ordered as select purchase_order_id as id from api.place_purchase_order('S1', 'W1', '[{"sku": "A", "quantity": 5}]');

-- Alerts, items, planning, suppliers.
select throws_ok($$ select api.remove_alert_rule('reorder_point', sku => 'NONE') $$, 'IV003', null, 'the rule of an unknown item');
select throws_ok($$ select api.remove_alert_rule('reorder_point', location => 'NONE') $$, 'IV004', null, 'the rule of an unknown location');
select throws_ok($$ select api.remove_alert_rule('none') $$, 'IV008', null, 'the rule of an unknown kind');
select throws_ok($$ select api.upsert_items('[{"sku": "A", "parent_sku": "NONE"}]') $$, 'IV003', null, 'an unknown parent');
select throws_ok($$ select api.set_item_units('A', (select jsonb_agg(jsonb_build_object('unit', 'U' || u, 'quantity', u + 1)) from generate_series(1, 1001) as u)) $$,
    'IV013', null, 'more units than one call takes');
select throws_ok($$ select api.get_item_planning(null) $$, 'IV008', null, 'the planning of no item');
select throws_ok($$ select api.suggest_order_quantity('A', 'W1', days => 0) $$, 'IV008', null, 'an order quantity from no days');
select throws_ok($$ select api.suggest_reorder_point('NONE', 'W1') $$, 'IV003', null, 'the reorder point of an unknown item');
select throws_ok($$ select api.suggest_reorder_point('A', 'NONE') $$, 'IV004', null, 'at an unknown location');
select throws_ok($$ select api.suggest_reorder_point('A', null) $$, 'IV008', null, 'at none');
select throws_ok($$ select api.suggest_reorder_point('A', 'W1', supplier => 'NONE') $$, 'IV028', null, 'by an unknown supplier');
select throws_ok($$ select api.list_item_suppliers(null) $$, 'IV008', null, 'the suppliers of no item');
select throws_ok($$ select api.remove_item_supplier('NONE', 'S1') $$, 'IV003', null, 'the terms of an unknown item');
select throws_ok($$ select api.remove_item_supplier(null, 'S1') $$, 'IV008', null, 'of no item');
select throws_ok($$ select api.remove_item_supplier('A', null) $$, 'IV008', null, 'of no supplier');
select throws_ok($$ select api.remove_item_supplier('A', 'NONE') $$, 'IV028', null, 'of an unknown supplier');
select is((select r.removed from api.remove_item_supplier('A', 'S1') as r), 0, 'terms that there are not are no error');

-- Papers: a key of another request.
select throws_ok($$ select api.cancel_purchase_order(o.id, idempotency_key => 'k') from ordered as o $$, 'IV007', null, 'cancel_purchase_order');
select throws_ok($$ select api.receive_transfer(t.id, idempotency_key => 'k') from shipped as t $$, 'IV007', null, 'receive_transfer');
select throws_ok($$ select api.cancel_transfer(t.id, idempotency_key => 'k') from shipped as t $$, 'IV007', null, 'cancel_transfer');
select throws_ok($$ select api.receive_transfer(t.id, '[{"sku": "A", "received": 1, "serials": ["s1"]}]') from shipped as t $$, 'IV023', null, 'units of what has no serial numbers arrive');
select throws_ok($$ select api.receive_transfer(t.id, '[{"sku": "S", "received": 1, "serials": ["s2"]}]') from parcel as t $$, 'IV025', null, 'a unit arrives that was not shipped');

-- Counts.
select throws_ok($$ select api.count_line(n.count_id, 'A', 1, counted_at => now() - interval '1 second', idempotency_key => 'k') from n $$, 'IV007', null, 'count_line');
select api.count_line(n.count_id, 'A', 16) from n;
select throws_ok($$ select api.approve_count(n.count_id, idempotency_key => 'k') from n $$, 'IV007', null, 'approve_count');
select throws_ok($$ select api.cancel_count(n.count_id, idempotency_key => 'k') from n $$, 'IV007', null, 'cancel_count');
select throws_ok($$ select api.cancel_count(null) $$, 'IV008', null, 'no count to cancel');
select api.approve_count(n.count_id) from n;
select throws_ok($$ select api.post_count(n.count_id, idempotency_key => 'k') from n $$, 'IV007', null, 'post_count');
select count(*) from api.upsert_items((select jsonb_agg(jsonb_build_object('sku', 'N' || i, 'name', 'New')) from generate_series(1, 1000) as i));
create temporary table full_count as select * from api.open_count('W1', array(select 'N' || i from generate_series(1, 1000) as i), max_lines => 1000);
select throws_ok($$ select api.count_line(f.count_id, 'A', 1) from full_count as f $$, 'IV013', null, 'count_line beyond 1,000 lines');
create temporary table much as select * from api.open_count('W1', '{B}');
select api.count_line(m.count_id, 'B', 1000000000000) from much as m;
select api.approve_count(m.count_id) from much as m;
select api.add_stock('B', 'W1', 1000000000000);
select throws_ok($$ select api.post_count(m.count_id) from much as m $$, 'IV012', null, 'post_count of more than a balance can be');

-- Lots and units of what is written.
select throws_ok($$ select api.adjust_stock('L', 'W1', -1, lot => 'none', reason => 'r') $$, 'IV021', null, 'adjust_stock of an unknown lot');
select throws_ok($$ select api.adjust_stock('L', 'W1', 1, reason => 'r') $$, 'IV023', null, 'adjust_stock upwards without a lot');
select throws_ok($$ select api.adjust_stock('S', 'W1', 1, serials => '{s2}', reason => 'r') $$, 'IV024', null, 'adjust_stock by a unit that is there');
select throws_ok($$ select api.adjust_stock('S', 'W1', -1, serials => '{s9}', reason => 'r') $$, 'IV025', null, 'adjust_stock by a unit that is not');
select throws_ok($$ select api.move_stock('L', 'W1', 'W2', 1, lot => 'bad') $$, 'IV022', null, 'move_stock of a recalled lot');
select throws_ok($$ select api.quarantine_stock('NONE', 'W1', 1) $$, 'IV003', null, 'quarantine_stock of an unknown item');
select throws_ok($$ select api.quarantine_stock('A', 'NONE', 1) $$, 'IV004', null, 'quarantine_stock at an unknown location');
select throws_ok($$ select api.quarantine_stock('A', 'W1', 1, idempotency_key => 'k') $$, 'IV007', null, 'quarantine_stock under a key of another request');
select throws_ok($$ select api.quarantine_stock('A', 'W1', 0) $$, 'IV008', null, 'quarantine_stock of nothing');
select throws_ok($$ select api.quarantine_stock('A', 'W1', 1, unit => 'NONE') $$, 'IV015', null, 'quarantine_stock in an unknown unit');
select throws_ok($$ select api.quarantine_stock('L', 'W1', 1, lot => 'none') $$, 'IV021', null, 'quarantine_stock of an unknown lot');
select throws_ok($$ select api.quarantine_stock('S', 'W1', 1) $$, 'IV023', null, 'quarantine_stock of no unit in particular');
select throws_ok($$ select api.quarantine_stock('S', 'W1', 1, serials => '{s9}') $$, 'IV025', null, 'quarantine_stock of a unit that is not there');
select throws_ok($$ select api.quarantine_stock('A', 'W1', 1, reason_code => 'none') $$, 'IV026', null, 'quarantine_stock for an unknown reason');
select throws_ok($$ select api.remove_stock('L', 'W1', 1, lot => 'none') $$, 'IV021', null, 'remove_stock of an unknown lot');
select throws_ok($$ select api.remove_stock('S', 'W1', 1) $$, 'IV023', null, 'remove_stock of no unit in particular');
select throws_ok($$ select api.remove_stock('S', 'W1', 1, serials => '{s9}') $$, 'IV025', null, 'remove_stock of a unit that is not there');
select throws_ok($$ select api.restore_stock('NONE', 'W1', 1) $$, 'IV003', null, 'restore_stock of an unknown item');
select throws_ok($$ select api.restore_stock('A', 'NONE', 1) $$, 'IV004', null, 'restore_stock at an unknown location');
select throws_ok($$ select api.restore_stock('A', 'W1', 1, expected_version => 1) $$, 'IV006', null, 'restore_stock of what has changed');
select throws_ok($$ select api.restore_stock('A', 'W1', 0) $$, 'IV008', null, 'restore_stock of nothing');
select throws_ok($$ select api.restore_stock('A', 'W1', 1, unit => 'NONE') $$, 'IV015', null, 'restore_stock in an unknown unit');
select throws_ok($$ select api.restore_stock('L', 'W1', 1, lot => 'none') $$, 'IV021', null, 'restore_stock of an unknown lot');
select throws_ok($$ select api.restore_stock('S', 'W1', 1) $$, 'IV023', null, 'restore_stock of no unit in particular');
select throws_ok($$ select api.restore_stock('S', 'W1', 1, serials => '{s9}') $$, 'IV025', null, 'restore_stock of a unit that is not there');
select throws_ok($$ select api.restore_stock('A', 'W1', 1, reason_code => 'none') $$, 'IV026', null, 'restore_stock for an unknown reason');
select throws_ok($$ select api.return_stock('S', 'W1', 1, serials => '{s2}') $$, 'IV024', null, 'return_stock of a unit that is there');
select throws_ok($$ select api.write_off_stock('L', 'W1', 1, lot => 'none', reason => 'r') $$, 'IV021', null, 'write_off_stock of an unknown lot');
select throws_ok($$ select api.write_off_stock('S', 'W1', 1, serials => '{s9}', reason => 'r') $$, 'IV025', null, 'write_off_stock of a unit that is not there');
select throws_ok($$ select api.ship_stock('W1', 'W2', 'L', 1, lot => 'none') $$, 'IV021', null, 'ship_stock of an unknown lot');
select throws_ok($$ select api.ship_stock('W1', 'W2', 'L', 1, lot => 'bad') $$, 'IV022', null, 'ship_stock of a recalled lot');
select throws_ok($$ select api.ship_stock('W1', 'W2', 'S', 1) $$, 'IV023', null, 'ship_stock of no unit in particular');
select throws_ok($$ select api.ship_stock('W1', 'W2', 'S', 1, serials => '{s9}') $$, 'IV025', null, 'ship_stock of a unit that is not there');
select throws_ok($$ select api.ship_stock('W1', 'W2', 'OLD', 1) $$, 'IV010', null, 'ship_stock of an archived item');

-- The month in which something was counted is gone.
create temporary table before as select * from api.open_count('W1', '{N1}');
select api.count_line(b.count_id, 'N1', 1, counted_at => test.month(-1)) from before as b;
select api.approve_count(b.count_id) from before as b;
create temporary table after as select * from api.open_count('W1', '{N2}');
insert into inventory.closed_month (month, levels, movements) values ((test.month(-1) at time zone 'UTC')::date, 0, 0);
insert into inventory.retired_partition (month, table_name, movements, digest) values ((test.month(-1) at time zone 'UTC')::date, 'none', 0, repeat('0', 64));
select throws_ok($$ select api.count_line(a.count_id, 'N2', 1, counted_at => test.month(-1)) from after as a $$, 'IV033', null, 'count_line in it');
select throws_ok($$ select api.post_count(b.count_id) from before as b $$, 'IV033', null, 'post_count of what was counted in it');

select is_empty('select * from test.broken_rules()', 'every invariant holds');
select * from finish();
rollback;
