-- What is wrong with a command is said by its row in the answer of a batch as the function for that single operation says it: SQLSTATE, MESSAGE, DETAIL
-- and HINT. Tried with a command for each SQLSTATE that a batch can answer, alone and beside commands of other kinds.
begin;
select plan(6);
select test.make_catalogue();
select api.upsert_items('[{"sku": "L", "name": "By lot", "tracking": "lot"}, {"sku": "S", "name": "By unit", "tracking": "serial"},
    {"sku": "K", "name": "A kit", "kind": "bundle"}, {"sku": "Q", "name": "Waited for"}]');
select api.upsert_supplier('S1', name => 'A supplier');
select api.add_stock('A', 'W1', 20, idempotency_key => 'k'), api.add_stock('OLD', 'W1', 5);
select api.add_stock('L', 'W1', 6, lot => 'bad'), api.add_stock('L', 'W1', 6, lot => 'good'), api.add_stock('S', 'W1', 3, serials => '{s1,s2,s3}');
select api.recall_lot('L', 'bad');
select api.set_default_policy('Q', policy => 'backorder');
select test.close_catalogue();
-- Papers of each kind, ended or waiting.
select api.reserve_stock('A', 'W1', 1, reservation_id => '00000000-0000-0000-0000-00000000000c', expires_in => '1 second');
select api.reserve_stock('A', 'W1', 1, reservation_id => '00000000-0000-0000-0000-00000000000d');
select api.cancel_reservation('00000000-0000-0000-0000-00000000000d');
select api.reserve_stock('Q', 'W1', 1, reservation_id => '00000000-0000-0000-0000-00000000000e');
create temporary table shipped as select distinct transfer_id as id from api.ship_stock('W1', 'W2', 'A', 2);
select api.cancel_transfer(t.id) from shipped as t;
create temporary table ordered as select distinct purchase_order_id as id from api.place_purchase_order('S1', 'W1', '[{"sku": "A", "quantity": 5}]');
select api.cancel_purchase_order(o.id) from ordered as o;
create temporary table counted as select distinct count_id as id from api.open_count('W1', '{A}');
select pg_sleep(1.1);

create temporary table cases (code text, call text, command jsonb);
insert into cases (code, call, command) values
    ('IV001', $$api.remove_stock('A', 'W1', 1000)$$, '{"op": "remove", "sku": "A", "location": "W1", "quantity": 1000}'),
    ('IV001', $$api.move_stock('A', 'W1', 'W2', 1000)$$, '{"op": "move", "sku": "A", "from": "W1", "to": "W2", "quantity": 1000}'),
    ('IV002', $$api.confirm_reservation('00000000-0000-0000-0000-00000000000c')$$, '{"op": "confirm", "reservation_id": "00000000-0000-0000-0000-00000000000c"}'),
    ('IV003', $$api.add_stock('NONE', 'W1', 1)$$, '{"op": "add", "sku": "NONE", "location": "W1", "quantity": 1}'),
    ('IV004', $$api.add_stock('A', 'NONE', 1)$$, '{"op": "add", "sku": "A", "location": "NONE", "quantity": 1}'),
    ('IV005', $$api.cancel_reservation('00000000-0000-0000-0000-0000000000ff')$$, '{"op": "cancel", "reservation_id": "00000000-0000-0000-0000-0000000000ff"}'),
    ('IV006', $$api.remove_stock('A', 'W1', 1, expected_version => 999)$$, '{"op": "remove", "sku": "A", "location": "W1", "quantity": 1, "expected_version": 999}'),
    ('IV007', $$api.remove_stock('A', 'W1', 1, idempotency_key => 'k')$$, '{"op": "remove", "sku": "A", "location": "W1", "quantity": 1, "idempotency_key": "k"}'),
    ('IV008', $$api.remove_stock('A', 'W1', 0)$$, '{"op": "remove", "sku": "A", "location": "W1", "quantity": 0}'),
    ('IV009', $$api.confirm_reservation('00000000-0000-0000-0000-00000000000d')$$, '{"op": "confirm", "reservation_id": "00000000-0000-0000-0000-00000000000d"}'),
    ('IV010', $$api.add_stock('OLD', 'W1', 1)$$, '{"op": "add", "sku": "OLD", "location": "W1", "quantity": 1}'),
    ('IV011', $$api.add_stock('A', 'SHUT', 1)$$, '{"op": "add", "sku": "A", "location": "SHUT", "quantity": 1}'),
    ('IV012', $$api.add_stock('A', 'W1', 1000000000000)$$, '{"op": "add", "sku": "A", "location": "W1", "quantity": 1000000000000}'),
    ('IV014', $$api.reserve_stock('A', 'W1', 1, reservation_id => '00000000-0000-0000-0000-00000000000d')$$,
        '{"op": "reserve", "sku": "A", "location": "W1", "quantity": 1, "reservation_id": "00000000-0000-0000-0000-00000000000d"}'),
    ('IV015', $$api.add_stock('A', 'W1', 1, unit => 'PALLET')$$, '{"op": "add", "sku": "A", "location": "W1", "quantity": 1, "unit": "PALLET"}'),
    ('IV016', $$api.add_stock('K', 'W1', 1)$$, '{"op": "add", "sku": "K", "location": "W1", "quantity": 1}'),
    ('IV018', $$api.receive_transfer('00000000-0000-0000-0000-0000000000ff')$$, '{"op": "receive", "transfer_id": "00000000-0000-0000-0000-0000000000ff"}'),
    ('IV020', $$api.confirm_reservation('00000000-0000-0000-0000-00000000000e')$$, '{"op": "confirm", "reservation_id": "00000000-0000-0000-0000-00000000000e"}'),
    ('IV021', $$api.remove_stock('L', 'W1', 1, lot => 'none')$$, '{"op": "remove", "sku": "L", "location": "W1", "quantity": 1, "lot": "none"}'),
    ('IV022', $$api.move_stock('L', 'W1', 'W2', 1, lot => 'bad')$$, '{"op": "move", "sku": "L", "from": "W1", "to": "W2", "quantity": 1, "lot": "bad"}'),
    ('IV023', $$api.add_stock('L', 'W1', 1)$$, '{"op": "add", "sku": "L", "location": "W1", "quantity": 1}'),
    ('IV024', $$api.add_stock('S', 'W1', 1, serials => '{s1}')$$, '{"op": "add", "sku": "S", "location": "W1", "quantity": 1, "serials": ["s1"]}'),
    ('IV025', $$api.remove_stock('S', 'W1', 1, serials => '{s9}')$$, '{"op": "remove", "sku": "S", "location": "W1", "quantity": 1, "serials": ["s9"]}'),
    ('IV026', $$api.quarantine_stock('A', 'W1', 1, reason_code => 'none')$$, '{"op": "quarantine", "sku": "A", "location": "W1", "quantity": 1, "reason_code": "none"}'),
    ('IV028', $$api.place_purchase_order('NONE', 'W1', '[{"sku": "A", "quantity": 1}]')$$,
        '{"op": "order", "supplier": "NONE", "location": "W1", "lines": [{"sku": "A", "quantity": 1}]}'),
    ('IV029', $$api.cancel_purchase_order('00000000-0000-0000-0000-0000000000ff')$$, '{"op": "cancel_order", "purchase_order_id": "00000000-0000-0000-0000-0000000000ff"}'),
    ('IV031', $$api.post_count('00000000-0000-0000-0000-0000000000ff')$$, '{"op": "count", "count_id": "00000000-0000-0000-0000-0000000000ff"}');
insert into cases
select 'IV019', format('api.cancel_transfer(%L)', t.id), jsonb_build_object('op', 'cancel_transfer', 'transfer_id', t.id) from shipped as t
union all
select 'IV030', format('api.cancel_purchase_order(%L)', o.id), jsonb_build_object('op', 'cancel_order', 'purchase_order_id', o.id) from ordered as o
union all
select 'IV032', format('api.post_count(%L)', c.id), jsonb_build_object('op', 'count', 'count_id', c.id) from counted as c;

create temporary view results as
    select c.code, c.call, c.command, w.way
    from cases as c
    cross join unnest(array['alone', 'plain', 'special', 'refused']) as w (way);
-- What a function raises, in the form of a row of the answer.
create function pg_temp.raised(call text) returns jsonb language plpgsql as $$
declare
    v_code text;
    v_message text;
    v_detail text;
    v_hint text;
begin
    execute 'select * from ' || call;
    return null;
exception
    when others then
        get stacked diagnostics v_code = returned_sqlstate, v_message = message_text, v_detail = pg_exception_detail, v_hint = pg_exception_hint;
        return jsonb_build_object('outcome', 'refused', 'code', v_code, 'message', v_message, 'detail', nullif(v_detail, '')::jsonb, 'hint', v_hint);
end
$$;
-- The row of a command that is sent alone, after a plain one that fits, after a special one that fits, and after one that is refused too. What fits is no part of what is asked for.
create function pg_temp.answered(command jsonb, way text) returns jsonb language sql as $$
    select to_jsonb(a) - 'ordinal' - 'answer' || jsonb_build_object('detail', coalesce(a.detail, '{}'))
    from api.apply_commands(case way
        when 'alone' then jsonb_build_array(command)
        when 'plain' then jsonb_build_array('{"op": "add", "sku": "B", "location": "W2", "quantity": 1}', command)
        when 'special' then jsonb_build_array('{"op": "add", "sku": "B", "location": "W2", "quantity": 1, "unit": "EACH"}', command)
        else jsonb_build_array('{"op": "nonsense"}', command) end) as a
    order by a.ordinal desc
    limit 1
$$;

select is_empty($$ select c.call, pg_temp.raised(c.call) from cases as c where pg_temp.raised(c.call) ->> 'code' is distinct from c.code $$,
    'each call is refused with its code');
select is_empty($$ select c.call from cases as c where length(pg_temp.raised(c.call) ->> 'hint') > 5 is not true $$, 'and with a hint');
select is_empty($$ select r.way, r.command, pg_temp.answered(r.command, r.way), pg_temp.raised(r.call) from results as r
    where pg_temp.answered(r.command, r.way) is distinct from pg_temp.raised(r.call) $$, 'a batch answers each as its function raises it');
-- Without those of a whole call, of a bundle's definition, of a conversion and of questions about the past.
select results_eq($$ select distinct code from cases order by code $$,
    $$ select e.code from (select 'IV' || lpad(n::text, 3, '0') from generate_series(1, 999) as n) as e (code)
        where (internal.error_text(e.code)).slug is not null and e.code not in ('IV013', 'IV017', 'IV027', 'IV033') order by e.code $$,
    'every code that a command can be refused with is here');
select results_eq($$ select outcome, code, message, hint from api.apply_commands('[{"op": "add", "sku": "B", "location": "W2", "quantity": 1, "idempotency_key": "h"},
        {"op": "add", "sku": "B", "location": "W1", "quantity": 1, "unit": "EACH"}]')
    union all select outcome, code, message, hint from api.apply_commands('[{"op": "add", "sku": "B", "location": "W2", "quantity": 1, "idempotency_key": "h"}]')
    union all select outcome, code, message, hint from api.apply_commands('[{"op": "add", "sku": "B", "location": "W2", "quantity": 1}]') $$,
    $$ values ('applied', null::text, null::text, null::text), ('applied', null, null, null), ('replayed', null, null, null), ('applied', null, null, null) $$,
    'what was applied has none');
select is_empty('select * from test.broken_rules()', 'every rule holds');
select * from finish();
rollback;
