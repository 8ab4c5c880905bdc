-- A single command takes a shorter way than a batch; both must come to the same rows and answers. Each command is given once alone,
-- for one item, and once beside a command that is refused for its form, for a twin item.
begin;
select plan(28);

select api.upsert_items('[{"sku": "ALONE", "name": "a"}, {"sku": "BESIDE", "name": "b"}]');
select api.upsert_locations('[{"id": "SB1"}, {"id": "SB-CLOSED", "status": "closed"}]');
select api.add_stock('ALONE', 'SB1', 100);
select api.add_stock('BESIDE', 'SB1', 100);

create function pg_temp.answer_of(command jsonb, alone boolean)
returns jsonb
language sql
as $$
    select jsonb_build_object('outcome', a.outcome, 'code', a.code, 'detail', a.detail - 'sku',
        'levels', (select jsonb_agg(l - 'sku' - 'item_id') from jsonb_array_elements(a.answer -> 'levels') as l),
        'status', a.answer -> 'status', 'deadline', a.answer ? 'expires_at')
    from api.apply_commands(case when alone then jsonb_build_array(command || '{"sku": "ALONE"}')
        else jsonb_build_array(command || '{"sku": "BESIDE"}', '{"op": "nonsense"}') end) as a
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
    ('{"op": "confirm"}');

select is(pg_temp.answer_of(c.command, true), pg_temp.answer_of(c.command, false), c.command::text)
from case_table as c
order by c.position;

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
create function pg_temp.level_of(sku text)
returns setof text
language sql
as $$
    select (to_jsonb(s) - array['item_id', 'last_movement_at', 'created_at', 'next_hold_at'])::text || (s.next_hold_at is null)
    from inventory.stock_level as s
    join inventory.item as i on i.id = s.item_id
    where i.sku = level_of.sku
$$;

select results_eq($$ select pg_temp.ledger_of('ALONE') $$, $$ select pg_temp.ledger_of('BESIDE') $$, 'the same ledger');
select results_eq($$ select pg_temp.level_of('ALONE') $$, $$ select pg_temp.level_of('BESIDE') $$, 'the same level');
select results_eq(
    $$ select r.owner, r.status, r.version, l.quantity, l.status, r.expires_at = l.expires_at from inventory.reservation as r
       join inventory.reservation_line as l on l.reservation_id = r.id join inventory.item as i on i.id = l.item_id
       where i.sku = 'ALONE' order by l.quantity $$,
    $$ select r.owner, r.status, r.version, l.quantity, l.status, r.expires_at = l.expires_at from inventory.reservation as r
       join inventory.reservation_line as l on l.reservation_id = r.id join inventory.item as i on i.id = l.item_id
       where i.sku = 'BESIDE' order by l.quantity $$,
    'the same reservations');
select ok((select count(*) from pg_temp.ledger_of('ALONE')) = 9, 'every accepted command is in the ledger');

select * from finish();
rollback;
