-- api.set_stock_policy: safety stock, reorder point and oversell policy.
begin;
select plan(42);
select test.make_catalogue();
select * from api.add_stock('A', 'W1', 10);
select results_eq($$ select sku, location, available, safety_stock, reorder_point, policy, status, version
        from api.set_stock_policy('A', 'W1', safety_stock => 3, reorder_point => 10, reason => 'season', user_id => 'u') $$,
    $$ values ('A', 'W1', 10::bigint, 3::bigint, 10::bigint, 'deny', 'low_stock', 2::bigint) $$, 'the settings change the status');
select results_eq($$ select m.type, m.on_hand_delta, m.reserved_delta, m.on_hand, m.reason, m.user_id from inventory.stock_movement as m where m.version = 2 $$,
    $$ values ('policy', 0::bigint, 0::bigint, 10::bigint, 'season', 'u') $$, 'the ledger has the version');
select results_eq($$ select safety_stock, reorder_point, policy from api.set_stock_policy('A', 'W1', reorder_point => 0) $$,
    $$ values (3::bigint, 0::bigint, 'deny') $$, 'null leaves a setting as it is');
select is((select status from api.remove_stock('A', 'W1', 6)), 'in_stock', 'above both thresholds: in stock');
select is((select status from api.remove_stock('A', 'W1', 1)), 'low_stock', 'at the threshold: low');
select is((select status from api.remove_stock('A', 'W1', 3)), 'out_of_stock', 'at zero: out');

select results_eq($$ select on_hand, version from api.set_stock_policy('B', 'W1', safety_stock => 1) $$, $$ values (0::bigint, 2::bigint) $$,
    'the first setting makes the stock level');
select is(test.ledger('B', 'W1'), '{policy 0 0 v1,policy 0 0 v2}', 'and the ledger has every version of it');
select is((select version from api.set_stock_policy('B', 'W2', safety_stock => 1, expected_version => 0)), 2::bigint, '0 is accepted where no row exists');
select throws_ok($$ select * from api.set_stock_policy('B', 'W2', safety_stock => 1, expected_version => 0) $$, 'IV006', null, '0 is refused where one does');
select throws_ok($$ select * from api.set_stock_policy('B', 'W2', safety_stock => 1, expected_version => 1) $$, 'IV006', null, 'an older version is refused');
select is((select version from api.set_stock_policy('B', 'W2', safety_stock => 2, expected_version => 2)), 3::bigint, 'the version that the row has is accepted');

select lives_ok($$ select * from api.set_stock_policy('B', 'W1', safety_stock => 1000000000000, reorder_point => 0) $$, '10^12 is taken');
select throws_ok($$ select * from api.set_stock_policy('B', 'W1', safety_stock => 1000000000001) $$, 'IV012', null, '10^12 + 1 is refused');
select throws_ok($$ select * from api.set_stock_policy('B', 'W1', reorder_point => 1000000000001) $$, 'IV012', null, 'for both thresholds');
select throws_ok($$ select * from api.set_stock_policy('B', 'W1', safety_stock => -1) $$, 'IV008', null, 'a negative threshold is refused');
select throws_ok($$ select * from api.set_stock_policy('B', 'W1', policy => 'maybe') $$, 'IV008', null, 'an unknown policy is refused');
select throws_ok($$ select * from api.set_stock_policy('NONE', 'W1') $$, 'IV003', null, 'an unknown sku is refused');
select throws_ok($$ select * from api.set_stock_policy('B', 'NONE') $$, 'IV004', null, 'an unknown location is refused');
select throws_ok($$ select * from api.set_stock_policy(null, 'W1') $$, 'IV008', null, 'no sku is refused');
select throws_ok($$ select * from api.set_stock_policy('B', null) $$, 'IV008', null, 'no location is refused');
select throws_ok($$ select * from api.set_stock_policy('B', 'W1', reason => repeat('r', 501)) $$, 'IV008', null, 'a reason of 501 characters is refused');

select * from api.set_stock_policy('A', 'W1', policy => 'oversell');
select * from api.reserve_stock('A', 'W1', 2);
select throws_ok($$ select * from api.set_stock_policy('A', 'W1', policy => 'deny') $$, 'IV001', null, 'deny is refused while more is promised than there is');
select * from api.add_stock('A', 'W1', 2);
select lives_ok($$ select * from api.set_stock_policy('A', 'W1', policy => 'deny') $$, 'and accepted when that is over');

-- What was in force when: the ledger and the audit trail say it.
select results_eq($$ select m.detail from inventory.stock_movement as m join inventory.item as i on i.id = m.item_id where i.sku = 'A' and m.type = 'policy' order by m.version limit 2 $$, array[
    '{"safety_stock": 3, "reorder_point": 10, "policy": "deny", "before": {"safety_stock": 0, "reorder_point": 0, "policy": "deny"}}',
    '{"safety_stock": 3, "reorder_point": 0, "policy": "deny", "before": {"safety_stock": 3, "reorder_point": 10, "policy": "deny"}}']::jsonb[], 'a policy movement has the settings');
select is((select m.detail from inventory.stock_movement as m join inventory.item as i on i.id = m.item_id where i.sku = 'B' and m.location_id = 'W2' and m.version = 1),
    '{"safety_stock": 0, "reorder_point": 0, "policy": "deny"}', 'so has the one that makes the level');
select results_eq($$ select e.detail from api.get_audit_entries(action => 'set_stock_policy', max_rows => 1) as e $$, array[
    '{"sku": "A", "location": "W1", "from": {"safety_stock": 3, "reorder_point": 0, "policy": "oversell"}, "to": {"safety_stock": 3, "reorder_point": 0, "policy": "deny"},
        "version": 10}']::jsonb[], 'it is audited');
select is_empty('select * from test.broken_rules()', 'every invariant holds');

-- Backorder.
select is((select policy from api.set_stock_policy('A', 'W2', policy => 'backorder')), 'backorder', 'backorder is taken');
select is((select backordered from api.reserve_stock('A', 'W2', 2)), 2::bigint, 'and in force');
select lives_ok($$ select * from api.set_stock_policy('A', 'W2', policy => 'deny') $$, 'who waits does not stand in the way of deny');
select is((select backordered from api.get_stock_level('A', 'W2')), 2::bigint, 'and goes on waiting');
select is((select backordered || ' ' || available from api.set_stock_policy('A', 'W2', policy => 'oversell')), '0 -2', 'until nobody has to');
select api.cancel_reservation(l.reservation_id) from inventory.reservation_line as l join inventory.item as i on i.id = l.item_id
where i.sku = 'A' and l.location_id = 'W2' and l.status = 'PENDING';
select * from api.reserve_stock('A', 'W2', 1, expires_in => '200 milliseconds');
select throws_ok($$ select * from api.set_stock_policy('A', 'W2', policy => 'backorder') $$, 'IV001', null, 'backorder is refused while more is promised than there is');
select pg_sleep(0.24);
select lives_ok($$ select * from api.set_stock_policy('A', 'W2', policy => 'backorder') $$, 'what ran out is promised to nobody');
select is((select reserved from inventory.stock_level as s join inventory.item as i on i.id = s.item_id where i.sku = 'A' and s.location_id = 'W2'), 0::bigint, 'and freed on the way');

-- What is never short, and what has no stock.
select * from api.upsert_items('[{"sku": "D", "name": "d", "kind": "digital"}, {"sku": "K", "name": "k", "kind": "bundle"}]');
select results_eq($$ select policy, status, safety_stock from api.set_stock_policy('D', 'W1', safety_stock => 5) $$, $$ values ('unlimited', 'in_stock', 5::bigint) $$,
    'a digital item is unlimited and in stock');
select throws_ok($$ select * from api.set_stock_policy('D', 'W1', policy => 'deny') $$, 'IV008', null, 'whatever is asked for');
select throws_ok($$ select * from api.set_stock_policy('A', 'W1', policy => 'unlimited') $$, 'IV008', null, 'other items are not');
select throws_ok($$ select * from api.set_stock_policy('K', 'W1', safety_stock => 1) $$, 'IV016', null, 'a bundle has no level');
select is_empty('select * from api.check_ledger()', 'the ledger is whole');
select is_empty('select * from api.check_conservation()', 'nothing is lost');

select * from finish();
rollback;
