-- f30: a month begins without a partition, the clock steps back, an epoch is raised: writes go on and versions only grow.
begin;
select plan(21);
select test.make_catalogue();
select * from api.add_stock('A', 'W1', 5);

-- No partition is there for this month: the next write makes it.
select is(
    (select count(*) from pg_inherits where inhparent = 'inventory.stock_movement'::regclass), 4::bigint, 'this month and three ahead are made by the migration');
create function pg_temp.partition(instant timestamptz) returns text language sql as
    $$ select 'inventory.stock_movement_' || to_char(instant at time zone 'UTC', '"y"YYYY"m"MM') $$;
do $$ begin execute format('drop table %s', pg_temp.partition(clock_timestamp())); end $$;
select hasnt_table('inventory'::name, split_part(pg_temp.partition(clock_timestamp()), '.', 2)::name, 'the partition of this month is gone');
select lives_ok($$ select * from api.add_stock('B', 'W1', 5) $$, 'a receipt makes it again');
select has_table('inventory'::name, split_part(pg_temp.partition(clock_timestamp()), '.', 2)::name, 'there it is');
do $$ begin execute format('drop table %s', pg_temp.partition(clock_timestamp())); end $$;
select lives_ok($$ select * from api.set_stock_policy('B', 'W1', safety_stock => 1) $$, 'so does a setting');
do $$ begin execute format('drop table %s', pg_temp.partition(clock_timestamp())); end $$;
select lives_ok($$ select api.apply_commands('[{"op": "add", "sku": "B", "location": "W1", "quantity": 1}, {"op": "reserve", "sku": "B", "location": "W1", "quantity": 1}]') $$,
    'so does a batch');

-- Months of other years, and the ends of a month in UTC.
select lives_ok($$ select internal.ensure_movement_partition('2031-12-31 23:59:59.999999+00') $$, 'the last instant of a year');
select lives_ok($$ select internal.ensure_movement_partition('2032-01-01 00:00:00+00') $$, 'the first instant of the next');
select set_eq($$ select pg_get_expr(c.relpartbound, c.oid) from pg_class as c where c.relname in ('stock_movement_y2031m12', 'stock_movement_y2032m01') $$,
    $$ values (format('FOR VALUES FROM (%L) TO (%L)', '2031-12-01 00:00:00+00'::timestamptz, '2032-01-01 00:00:00+00'::timestamptz)),
        (format('FOR VALUES FROM (%L) TO (%L)', '2032-01-01 00:00:00+00'::timestamptz, '2032-02-01 00:00:00+00'::timestamptz)) $$, 'meet without a gap');
set local timezone = 'America/New_York';
select lives_ok($$ select internal.ensure_movement_partition('2033-01-31 22:00:00-05') $$, 'in a session of another time zone');
select has_table('inventory'::name, 'stock_movement_y2033m02'::name, 'the month is that of UTC');
set local timezone = 'UTC';

-- The clock steps back: rows from the future are there already.
select * from api.add_stock('A', 'W2', 1);
update inventory.stock_level as s set last_movement_at = clock_timestamp() + interval '1 hour', version = 8 where s.location_id = 'W2';
select is((select version from api.add_stock('A', 'W2', 1)), 9::bigint, 'versions go on from what is there, whatever the clock says');

-- An epoch: versions jump and go on growing.
select is(api.raise_epoch('restored from a backup'), 1, 'the first epoch after the installation');
select is((select version from api.add_stock('A', 'W1', 1)), 1099511627776, 'the next version is the floor of the epoch');
select is((select version from api.add_stock('A', 'W1', 1)), 1099511627777, 'and it grows from there');
select is((select version from api.add_stock('OLD', 'W1', 1)), 1099511627776, 'a new row begins there');
select is((select string_agg(l.version::text, ' ') from api.reserve_stock(reservation_id => '00000000-0000-0000-0000-000000000001', lines =>
    '[{"sku": "A", "location": "W1", "quantity": 1}, {"sku": "OLD", "location": "W1", "quantity": 1}]') as l), '1099511627778 1099511627777', 'several rows in one command too');
select is((select r.version from inventory.reservation as r where r.id = '00000000-0000-0000-0000-000000000001'), 1099511627776, 'and reservations');
select is(test.outcomes('[{"op": "add", "sku": "A", "location": "W1", "quantity": 1, "expected_version": 1099511627778},
    {"op": "add", "sku": "A", "location": "W1", "quantity": 1, "expected_version": 1099511627779}]'), '{applied,applied}', 'expected versions follow');
select is(api.raise_epoch('again'), 2, 'the next epoch');
select is(test.outcomes('[{"op": "add", "sku": "A", "location": "W1", "quantity": 1, "expected_version": 1099511627780},
    {"op": "add", "sku": "A", "location": "W1", "quantity": 1, "expected_version": 2199023255552}]'), '{applied,applied}', 'expected versions follow a jump within a batch');
select * from finish();
rollback;
