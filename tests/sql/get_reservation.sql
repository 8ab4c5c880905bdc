-- api.get_reservation: a reservation and its lines.
begin;
select plan(5);
select test.make_catalogue();
select * from api.add_stock('A', 'W1', 10);
select * from api.add_stock('B', 'W1', 10);
select * from api.reserve_stock(reservation_id => '00000000-0000-0000-0000-000000000001', expires_in => '1600 milliseconds', owner => 'me',
    reference => 'order', lines => '[{"sku": "A", "location": "W1", "quantity": 2}, {"sku": "B", "location": "W1", "quantity": 4}]');
select set_eq(
    $$ select status, owner, reference, version, sku, location, quantity, expires_at - created_at < interval '2 seconds'
        from api.get_reservation('00000000-0000-0000-0000-000000000001') $$,
    $$ values ('PENDING', 'me', 'order', 1::bigint, 'A', 'W1', 2::bigint, true), ('PENDING', 'me', 'order', 1, 'B', 'W1', 4, true) $$,
    'each line with its reservation');
select pg_sleep(1.6);
select is((select string_agg(distinct status || version, ',') from api.get_reservation('00000000-0000-0000-0000-000000000001')), 'EXPIRED2',
    'past its deadline it reads as expired before anybody wrote that, as another version');
select api.expire_reservations();
select is((select string_agg(distinct status || version, ',') from api.get_reservation('00000000-0000-0000-0000-000000000001')), 'EXPIRED2', 'and after');
select throws_ok($$ select * from api.get_reservation('00000000-0000-0000-0000-0000000000ff') $$, 'IV005', null, 'an unknown reservation is refused');
select throws_ok($$ select * from api.get_reservation(null) $$, 'IV005', null, 'so is no id');
select * from finish();
rollback;
