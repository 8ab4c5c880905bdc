-- f08: with the sweeper off, a hold is sellable again at its deadline, and not before.
begin;
select plan(21);
select test.make_catalogue();
select * from api.add_stock('A', 'W1', 5);
select * from api.add_stock('B', 'W1', 5);
select * from api.reserve_stock('A', 'W1', 5, expires_in => '1200 milliseconds', reservation_id => '00000000-0000-0000-0000-000000000001');
select * from api.reserve_stock(reservation_id => '00000000-0000-0000-0000-000000000002', expires_in => '1240 milliseconds',
    lines => '[{"sku": "B", "location": "W1", "quantity": 2}]');
select throws_ok($$ select * from api.reserve_stock('A', 'W1', 1) $$, 'IV001', null, 'before its deadline a hold holds');
select pg_sleep(1.28);
select is((select available from api.get_stock_level('A', 'W1')), 5::bigint, 'after it a reader sees the stock');
select is((select status from api.get_stock_level('A', 'W1')), 'in_stock', 'and the status of it');
select results_eq($$ select quantity, available, version from api.reserve_stock('A', 'W1', 4) $$, $$ values (4::bigint, 1::bigint, 4::bigint) $$,
    'and a buyer gets it');
select is(test.ledger('A', 'W1'), '{receipt 5 0 v1,reserve 0 5 v2,expire 0 -5 v3,reserve 0 4 v4}', 'the ledger says that the hold ran out first');
select is((select r.status from inventory.reservation as r where r.id = '00000000-0000-0000-0000-000000000001'), 'EXPIRED', 'the reservation is expired');
select throws_ok($$ select * from api.confirm_reservation('00000000-0000-0000-0000-000000000001') $$, 'IV002', null, 'and cannot be confirmed');

-- A compare-and-set on a row with a hold past its deadline: the version that a reader saw is good.
select is((select version from api.get_stock_level('B', 'W1')), 2::bigint, 'the reader sees version 2, without the hold');
select throws_ok($$ select * from api.add_stock('B', 'W1', 1, expected_version => 1) $$, 'IV006', null, 'an older version is stale');
select is((select version from api.add_stock('B', 'W1', 1, expected_version => 2)), 4::bigint, 'the version that was read is not');
select is(test.ledger('B', 'W1'), '{receipt 5 0 v1,reserve 0 2 v2,expire 0 -2 v3,receipt 1 0 v4}', 'the hold was freed on the way');

-- Part of a hold of several lines is freed where somebody needs it; the rest follows.
select * from api.reserve_stock(reservation_id => '00000000-0000-0000-0000-000000000003', expires_in => '200 milliseconds', lines =>
    '[{"sku": "A", "location": "W1", "quantity": 1}, {"sku": "B", "location": "W1", "quantity": 6}]');
select pg_sleep(0.24);
select lives_ok($$ select * from api.reserve_stock('B', 'W1', 6) $$, 'one line is freed by whoever needs it');
select is((select r.status from inventory.reservation as r where r.id = '00000000-0000-0000-0000-000000000003'), 'PENDING', 'the reservation still has a line');
select is((select string_agg(distinct status, '') from api.get_reservation('00000000-0000-0000-0000-000000000003')), 'EXPIRED', 'but reads as expired');
select throws_ok($$ select * from api.confirm_reservation('00000000-0000-0000-0000-000000000003') $$, 'IV002', null, 'and cannot be confirmed');
select throws_ok($$ select * from api.cancel_reservation('00000000-0000-0000-0000-000000000003') $$, 'IV002', null, 'or cancelled');
select is(api.expire_reservations(), 1, 'the sweeper writes the rest');
select is(test.level('A', 'W1'), '5 4 1 in_stock v6', 'and frees it');
select is((select r.status from inventory.reservation as r where r.id = '00000000-0000-0000-0000-000000000003'), 'EXPIRED', 'now it is written');
-- A first receipt and a hold in one call: the row is made with the deadline that it has from the start.
select api.upsert_item('NEW', name => 'New item');
select api.apply_commands('[{"op": "add", "sku": "NEW", "location": "W1", "quantity": 5}, {"op": "reserve", "sku": "NEW", "location": "W1", "quantity": 2}]');
select ok((select s.next_hold_at is not null from inventory.stock_level as s join inventory.item as i on i.id = s.item_id where i.sku = 'NEW'),
    'a row that is made with a hold knows when it ends');
select is_empty('select * from test.broken_rules()', 'every invariant holds');
select * from finish();
rollback;
