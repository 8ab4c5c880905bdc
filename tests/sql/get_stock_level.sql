-- api.get_stock_level: balances now and at an instant in the past.
begin;
select plan(17);
select test.make_catalogue();
create temporary table instant (name text primary key, at timestamptz default clock_timestamp());
insert into instant values ('before');
select pg_sleep(0.002);
select * from api.add_stock('A', 'W1', 10);
select * from api.add_stock('A', 'W2', 5);
insert into instant values ('received');
select pg_sleep(0.002);
select * from api.reserve_stock('A', 'W1', 4, expires_in => '1600 milliseconds');
select * from api.reserve_stock('A', 'W2', 2, reservation_id => '00000000-0000-0000-0000-000000000001');
insert into instant values ('held');

select results_eq($$ select sku, location, on_hand, reserved, available, in_transit, backordered, damaged, safety_stock, reorder_point, policy, status, version
        from api.get_stock_level('A') $$,
    $$ values ('A', 'W1', 10::bigint, 4::bigint, 6::bigint, 0::bigint, 0::bigint, 0::bigint, 0::bigint, 0::bigint, 'deny', 'in_stock', 2::bigint),
        ('A', 'W2', 5, 2, 3, 0, 0, 0, 0, 0, 'deny', 'in_stock', 2) $$, 'all locations in order');
select is((select count(*) from api.get_stock_level('A', 'W2')), 1::bigint, 'one location');
select is((select item_id from api.get_stock_level('A', 'W2')), (select id from api.get_item('A')), 'with the id of the item');
select ok((select next_hold_at > clock_timestamp() from api.get_stock_level('A', 'W2')), 'with the next deadline');
select is_empty($$ select * from api.get_stock_level('NONE') $$, 'an unknown sku has no rows');
select is_empty($$ select * from api.get_stock_level('A', 'NONE') $$, 'an unknown location has no rows');
select is_empty($$ select * from api.get_stock_level('B') $$, 'an item that never was stocked has no rows');
select is_empty($$ select * from api.get_stock_level(null) $$, 'no sku has no rows');

-- A deadline passes, and nobody writes anything.
select pg_sleep(1.6);
select results_eq($$ select reserved, available, version from api.get_stock_level('A', 'W1') $$,
    $$ values (0::bigint, 10::bigint, 2::bigint) $$, 'a hold past its deadline is not counted');
insert into instant values ('due');
select pg_sleep(0.002);
select * from api.confirm_reservation('00000000-0000-0000-0000-000000000001');
select api.expire_reservations();
select * from api.remove_stock('A', 'W1', 10);

-- Back in time.
select is_empty($$ select * from api.get_stock_level('A', as_of => (select at from instant where name = 'before')) $$, 'nothing was there at first');
select results_eq($$ select location, on_hand, reserved, available, version from api.get_stock_level('A', as_of => (select at from instant where name = 'received')) $$,
    $$ values ('W1', 10::bigint, 0::bigint, 10::bigint, 1::bigint), ('W2', 5, 0, 5, 1) $$, 'then came the receipts');
select results_eq($$ select location, on_hand, reserved, available, version from api.get_stock_level('A', as_of => (select at from instant where name = 'held')) $$,
    $$ values ('W1', 10::bigint, 4::bigint, 6::bigint, 2::bigint), ('W2', 5, 2, 3, 2) $$, 'then the holds');
select results_eq($$ select location, on_hand, reserved, available from api.get_stock_level('A', as_of => (select at from instant where name = 'due')) $$,
    $$ values ('W1', 10::bigint, 0::bigint, 10::bigint), ('W2', 5, 2, 3) $$, 'a hold that had run out then, and was written off later, counts as expired then');
select results_eq($$ select location, on_hand, reserved, available from api.get_stock_level('A', as_of => clock_timestamp()) $$,
    $$ select location, on_hand, reserved, available from api.get_stock_level('A') $$, 'now as of now is now');
select is((select status from api.get_stock_level('A', 'W1')), 'out_of_stock', 'the status follows');
select is((select status from api.get_stock_level('A', 'W1', as_of => (select at from instant where name = 'received'))), 'in_stock', 'also in the past');

select is_empty('select * from test.broken_rules()', 'every invariant holds');
select * from finish();
rollback;
