-- One rule, four ways to it: a single command takes a shorter one than a batch, a batch of plain commands that all fit a shorter one than others,
-- and what asks for more is decided command by command. All must come to the same rows and answers. Each command is given alone, beside one
-- that is refused for its form, beside one that fits, and with a unit (its base unit, which says nothing new but is special): for four twin items.
begin;
select plan(143);

select api.upsert_items('[{"sku": "ALONE", "name": "a"}, {"sku": "BESIDE", "name": "b"}, {"sku": "PLAIN", "name": "c"}, {"sku": "SPECIAL", "name": "d"},
    {"sku": "OTHER", "name": "e"}]');
select api.upsert_locations('[{"id": "SB1"}, {"id": "SB2"}, {"id": "SB-CLOSED", "status": "closed"}]');
select api.add_stock(s.sku, 'SB1', 100) from unnest(array['ALONE', 'BESIDE', 'PLAIN', 'SPECIAL', 'OTHER']) as s (sku);
select api.add_stock(s.sku, 'SB2', 10) from unnest(array['ALONE', 'BESIDE', 'PLAIN', 'SPECIAL']) as s (sku);

create function pg_temp.answer_of(command jsonb, way text)
returns jsonb
language sql
as $$
    select jsonb_build_object('outcome', a.outcome, 'code', a.code,
        'detail', case when way <> 'SPECIAL' then a.detail - 'sku' end,
        'levels', (select jsonb_agg(l - '{sku,item_id,type,in_transit,backordered,damaged,incoming,waiting}'::text[])
            from jsonb_array_elements(a.answer -> 'levels') as l),
        'status', a.answer -> 'status', 'deadline', a.answer ? 'expires_at')
    from api.apply_commands(case way
        when 'ALONE' then jsonb_build_array(command || '{"sku": "ALONE"}')
        when 'BESIDE' then jsonb_build_array(command || '{"sku": "BESIDE"}', '{"op": "nonsense"}')
        when 'PLAIN' then jsonb_build_array(command || '{"sku": "PLAIN"}', '{"op": "add", "sku": "OTHER", "location": "SB1", "quantity": 1}')
        else jsonb_build_array(command || '{"sku": "SPECIAL", "unit": "EACH"}') end) as a
    where a.ordinal = 0
$$;

create temporary table case_table (position integer generated always as identity, command jsonb);
insert into case_table (command) values
    ('{"op": "add", "location": "SB1", "quantity": 7}'),
    ('{"op": "add", "location": "SB1", "quantity": 7, "reason": "r", "reference": "f", "correlation_id": "c", "user_id": "u", "source": "s", "traceparent": "t", "occurred_at": "2024-02-03T04:05:06Z"}'),
    ('{"op": "remove", "location": "SB1", "quantity": 5}'),
    ('{"op": "adjust", "location": "SB1", "quantity": -4, "reason": "count"}'),
    ('{"op": "adjust", "location": "SB1", "quantity": 4, "reason": "count"}'),
    ('{"op": "reserve", "location": "SB1", "quantity": 9, "owner": "o", "expires_at": "2030-01-01T00:00:00Z"}'),
    ('{"op": "reserve", "location": "SB1", "quantity": 1, "expires_in_seconds": 60}'),
    ('{"op": "remove", "location": "SB1", "quantity": 1000}'),
    ('{"op": "reserve", "location": "SB1", "quantity": 1000}'),
    ('{"op": "reserve", "location": "SB1", "quantity": 1000000000000}'),
    ('{"op": "reserve", "location": "SB1", "quantity": 1000000000001}'),
    ('{"op": "add", "location": "SB1", "quantity": 1000000000000}'),
    ('{"op": "remove", "location": "SB1", "quantity": 0}'),
    ('{"op": "remove", "location": "SB1", "quantity": -1}'),
    ('{"op": "remove", "location": "SB1", "quantity": 1.5}'),
    ('{"op": "remove", "location": "SB1"}'),
    ('{"op": "adjust", "location": "SB1", "quantity": 1}'),
    ('{"op": "add", "location": "NOWHERE", "quantity": 1}'),
    ('{"op": "add", "location": "SB-CLOSED", "quantity": 1}'),
    ('{"op": "remove", "location": "SB-CLOSED", "quantity": 1}'),
    ('{"op": "remove", "location": "SB1", "quantity": 1, "expected_version": 1}'),
    ('{"op": "remove", "location": "SB1", "quantity": 1, "expected_version": 8}'),
    ('{"op": "remove", "location": "SB1", "quantity": 1, "unheard_of": 8}'),
    ('{"op": "confirm"}'),
    ('{"location": "SB1", "quantity": 1}');

select is(pg_temp.answer_of(c.command, w.way),
    case when w.way = 'SPECIAL' then c.alone || '{"detail": null}' else c.alone end, w.way || ' ' || c.command)
from (select t.position, t.command, pg_temp.answer_of(t.command, 'ALONE') as alone from case_table as t order by t.position offset 0) as c
cross join unnest(array['BESIDE', 'PLAIN', 'SPECIAL']) as w (way)
-- An unknown field is refused whatever else is there; the unit comes on top of it.
order by c.position, w.way;

create function pg_temp.ledger_of(sku text)
returns setof text
language sql
as $$
    select (to_jsonb(m) - array['item_id', 'reservation_id', 'recorded_at', 'occurred_at'])::text || (m.reservation_id is not null)
        || (m.occurred_at = m.recorded_at)
    from inventory.stock_movement as m
    join inventory.item as i on i.id = m.item_id
    where i.sku = ledger_of.sku
    order by m.version
$$;
create function pg_temp.rows_of(sku text)
returns setof text
language sql
as $$
    (select (to_jsonb(s) - array['item_id', 'last_movement_at', 'created_at', 'next_hold_at'])::text || (s.next_hold_at is null)
    from inventory.stock_level as s
    join inventory.item as i on i.id = s.item_id
    where i.sku = rows_of.sku
    order by s.location_id)
    union all
    (select concat_ws(' ', r.owner, r.status, r.version, l.quantity, l.status, l.confirmed, r.expires_at = l.expires_at)
    from inventory.reservation as r
    join inventory.reservation_line as l on l.reservation_id = r.id
    join inventory.item as i on i.id = l.item_id
    where i.sku = rows_of.sku
    order by 1)
$$;

select results_eq($$ select pg_temp.ledger_of('ALONE') $$, format('select pg_temp.ledger_of(%L)', w.way), 'the same ledger: ' || w.way)
from unnest(array['BESIDE', 'PLAIN', 'SPECIAL']) as w (way);
select results_eq($$ select pg_temp.rows_of('ALONE') $$, format('select pg_temp.rows_of(%L)', w.way), 'the same rows: ' || w.way)
from unnest(array['BESIDE', 'PLAIN', 'SPECIAL']) as w (way);
select ok((select count(*) from pg_temp.ledger_of('ALONE')) = 10, 'every accepted command is in the ledger');

-- The same for holds that are closed: each twin has holds of one line one of two, and one that is due by then, all made alike.
create function pg_temp.hold_of(number integer, sku text)
returns text
language sql
return md5(sku || number)::uuid::text;

create temporary table closing (position integer generated always as identity, number integer, command jsonb);
insert into closing (number, command) values
    (9, '{"op": "confirm"}'),
    (1, '{"op": "confirm"}'),
    (2, '{"op": "cancel", "reason": "r", "reference": "f", "correlation_id": "c", "user_id": "u", "source": "s", "traceparent": "t"}'),
    (3, '{"op": "confirm", "idempotency_key": "k"}'),
    (3, '{"op": "confirm", "idempotency_key": "k"}'),
    (3, '{"op": "cancel", "idempotency_key": "k"}'),
    (3, '{"op": "cancel"}'),
    (4, '{"op": "confirm"}'),
    (5, '{"op": "cancel"}'),
    (6, '{"op": "confirm", "expected_version": 1}'),
    (7, '{"op": "confirm", "expected_version": 2}'),
    (7, '{"op": "cancel", "owner": "o"}'),
    (7, '{"op": "cancel", "reason": ""}'),
    (7, '{"op": "cancel", "occurred_at": "2024-02-03T04:05:06Z"}'),
    (99, '{"op": "confirm"}');

select count(a) from unnest(array['ALONE', 'BESIDE', 'PLAIN', 'SPECIAL']) as t (sku)
cross join lateral api.apply_commands((
    select jsonb_agg(jsonb_build_object('op', 'reserve', 'reservation_id', pg_temp.hold_of(n, t.sku), 'expires_in_seconds', case n when 9 then 0.001 else 600 + n end)
        || case n when 4 then jsonb_build_object('lines', jsonb_build_array(
                jsonb_build_object('sku', t.sku, 'location', 'SB1', 'quantity', 2), jsonb_build_object('sku', t.sku, 'location', 'SB2', 'quantity', 1)))
            else jsonb_build_object('sku', t.sku, 'location', 'SB1', 'quantity', n) end)
    from generate_series(1, 10) as n)) as a;

create function pg_temp.closed(command jsonb, number integer, way text)
returns jsonb
language sql
as $$
    select jsonb_build_object('outcome', a.outcome, 'code', a.code, 'answer', (a.answer - '{reservation_id,levels}'::text[]),
        'hold', a.answer ->> 'reservation_id' = pg_temp.hold_of(number, way),
        'levels', (select jsonb_agg(l - '{sku,item_id}'::text[]) from jsonb_array_elements(a.answer -> 'levels') as l))
    from (select command || jsonb_build_object('reservation_id', pg_temp.hold_of(number, way))
        || case when command ? 'idempotency_key' then jsonb_build_object('idempotency_key', way) else '{}' end as command) as c
    cross join api.apply_commands(case way
        when 'BESIDE' then jsonb_build_array(c.command, '{"op": "nonsense"}')
        when 'PLAIN' then jsonb_build_array(c.command, '{"op": "add", "sku": "OTHER", "location": "SB1", "quantity": 1}')
        else jsonb_build_array(c.command) end) as a
    where a.ordinal = 0
$$;

select is(pg_temp.closed(c.command, c.number, w.way), c.alone, w.way || ' ' || c.number || ' ' || c.command)
from (select t.position, t.number, t.command, pg_temp.closed(t.command, t.number, 'ALONE') as alone from closing as t order by t.position offset 0) as c
cross join unnest(array['BESIDE', 'PLAIN', 'SPECIAL']) as w (way)
order by c.position, w.way;
select results_eq($$ select pg_temp.ledger_of('ALONE') $$, format('select pg_temp.ledger_of(%L)', w.way), 'the same ledger of closings: ' || w.way)
from unnest(array['BESIDE', 'PLAIN', 'SPECIAL']) as w (way);
select results_eq($$ select pg_temp.rows_of('ALONE') $$, format('select pg_temp.rows_of(%L)', w.way), 'the same rows of closings: ' || w.way)
from unnest(array['BESIDE', 'PLAIN', 'SPECIAL']) as w (way);

-- Which batches take the short way.
create function pg_temp.is_short(variadic commands jsonb[])
returns boolean
language sql
as $$ select count(*) = cardinality(commands) from internal.apply_plain(to_jsonb(commands), null, 'sql') $$;
create function pg_temp.close_hold(op text, number integer)
returns jsonb
language sql
return jsonb_build_object('op', op, 'reservation_id', pg_temp.hold_of(number, 'PLAIN'));

select ok(pg_temp.is_short('{"op": "add", "sku": "PLAIN", "location": "SB1", "quantity": 1}'), 'a plain batch');
select ok(not pg_temp.is_short('{"op": "remove", "sku": "PLAIN", "location": "SB1", "quantity": 1000}'), 'not what does not fit');
select ok(not pg_temp.is_short(pg_temp.close_hold('confirm', 8), pg_temp.close_hold('cancel', 8)), 'nor one that closes a hold twice');
select ok(not pg_temp.is_short(pg_temp.close_hold('confirm', 8), pg_temp.close_hold('cancel', 1)), 'nor one that is closed');
select ok(not pg_temp.is_short(pg_temp.close_hold('confirm', 8), pg_temp.close_hold('cancel', 99)), 'nor one that is not there');
select ok(not pg_temp.is_short(pg_temp.close_hold('confirm', 8), '{"op": "remove", "sku": "PLAIN", "location": "SB1", "quantity": 1000}'),
    'nor where something does not fit');
select is((select l.status from inventory.reservation_line as l where l.reservation_id = pg_temp.hold_of(8, 'PLAIN')::uuid), 'PENDING',
    'and they change nothing');
select ok(pg_temp.is_short(
    '{"op": "reserve", "sku": "PLAIN", "location": "SB1", "quantity": 1, "expires_in_seconds": 300}', pg_temp.close_hold('confirm', 8),
    pg_temp.close_hold('cancel', 10), '{"op": "remove", "sku": "PLAIN", "location": "SB1", "quantity": 1}',
    '{"op": "add", "sku": "OTHER", "location": "SB1", "quantity": 1}'), 'one that opens and closes holds of one line does');
select is((select s.next_hold_at from inventory.stock_level as s join inventory.item as i on i.id = s.item_id where (i.sku, s.location_id) = ('PLAIN', 'SB1')),
    (select min(l.expires_at) from inventory.reservation_line as l join inventory.item as i on i.id = l.item_id
    where (i.sku, l.location_id, l.status) = ('PLAIN', 'SB1', 'PENDING')), 'the level knows its next deadline');
select is_empty('select * from test.broken_rules()', 'and every rule holds');

select * from finish();
rollback;
