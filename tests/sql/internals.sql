-- Small helpers that everything rests on.
begin;
select plan(35);
select is(internal.stock_status(q.available, q.threshold), q.status, format('%s of %s', q.available, q.threshold))
from (values (-1::bigint, 0::bigint, 'out_of_stock'), (0, 0, 'out_of_stock'), (0, 5, 'out_of_stock'), (1, 0, 'in_stock'), (5, 5, 'low_stock'),
    (6, 5, 'in_stock'), (1000000000000, 1000000000000, 'low_stock')) as q (available, threshold, status);
select is(internal.json_integer(q.value::jsonb), q.number, q.value)
from (values ('1', 1::bigint), ('-1', -1), ('1.0', 1), ('1e3', 1000), ('1.5', null), ('"1"', null), ('true', null), ('null', null), ('[1]', null), ('1e400', null),
    ('9223372036854775807', 9223372036854775807), ('9223372036854775808', null), ('-9223372036854775808', -9223372036854775808)) as q (value, number);
select is(internal.fits(q.delta, q.on_hand, q.reserved, q.oversell), q.fits, format('fits(%s, %s, %s, %s)', q.delta, q.on_hand, q.reserved, q.oversell))
from (values (-1, 0, 0, false, true), (-1, 0, 1, false, false), (-1, 0, 1, true, true), (1, 0, 1, false, true), (0, -1, 0, true, true),
    (1, 1000000000000, 0, false, true), (1, 1000000000001, 0, false, false), (-1, -1000000000000, 0, true, true), (-1, -1000000000001, 0, true, false),
    (1, 0, -1, false, false), (-1, 0, 1000000000001, true, false)) as q (delta, on_hand, reserved, oversell, fits);

-- What one command is told must not hang on what its neighbours are: deciding all at once and one by one give the same.
create function pg_temp.line(ordinal integer, item integer, on_hand_delta bigint, reserved_delta bigint, expected_version bigint default null)
returns internal.line language sql as $$
    select row(ordinal, ('00000000-0000-0000-0000-00000000000' || item)::uuid, 'S' || item, 'W', 'receipt', abs(on_hand_delta + reserved_delta), on_hand_delta,
        reserved_delta, expected_version, null, null, null, null, null, null, null, false)::internal.line
$$;
create function pg_temp.level(place integer, on_hand bigint, reserved bigint, version bigint) returns internal.level language sql as $$
    select row(place, ('00000000-0000-0000-0000-00000000000' || place)::uuid, 'W', on_hand, reserved, 0, 0, 0, 0, false, version, version + 1, null, true, 0, false)::internal.level
$$;
create temporary table levels as select array[pg_temp.level(1, 10, 0, 5), pg_temp.level(2, 0, 0, 1)] as levels;
create temporary table fitting as select array[pg_temp.line(0, 1, 0, 4), pg_temp.line(1, 1, -6, 0), pg_temp.line(2, 2, 7, 0, 1), pg_temp.line(3, 2, -7, 0, 2),
    pg_temp.line(4, 1, 3, 0), pg_temp.line(4, 2, 3, 0)] as lines;
select isnt(internal.decide_together(f.lines, l.levels), null, 'what fits is decided together') from fitting as f, levels as l;
select is(internal.decide_together(f.lines, l.levels), internal.decide_in_order(f.lines, l.levels), 'with the same outcome as one by one') from fitting as f, levels as l;
create temporary table crowded as select array[pg_temp.line(0, 1, 0, 11), pg_temp.line(1, 1, 0, 10), pg_temp.line(2, 1, 0, 1), pg_temp.line(3, 2, 5, 0, 9),
    pg_temp.line(4, 2, 1, 0, 1)] as lines;
select is(internal.decide_together(f.lines, l.levels), null, 'what does not fit is not') from crowded as f, levels as l;
select results_eq($$ select d.ordinal, d.code, d.version from crowded as f, levels as l, unnest(internal.decide_in_order(f.lines, l.levels)) as d order by 1 $$,
    $$ values (0, 'IV001', null::bigint), (1, null, 6), (2, 'IV001', null), (3, 'IV006', null), (4, null, 2) $$, 'one by one, each after the ones before');
select * from finish();
rollback;
