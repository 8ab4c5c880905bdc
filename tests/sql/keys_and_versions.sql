-- Every write carries an idempotency key and the version that it was decided on: asked from the catalogue, so that none is forgotten, and tried with each.
begin;
select plan(64);
select test.make_catalogue();

-- What has neither, and why. Whoever adds a function adds both arguments, or a line here.
create temporary table without (name text, key boolean, version boolean, why text);
insert into without
select f.name, true, true, 'carries on from what it finds: called again, it finds less to do'
from unnest(array['expire_reservations', 'expire_lots', 'fold_stock_summary', 'rebuild_stock_summary', 'refresh_reports', 'ensure_movement_partitions',
    'purge_idempotency_keys', 'purge_alert_history', 'close_month', 'close_finished_months', 'retire_movement_partitions', 'renew_versions',
    'ensure_replication_slot']) as f (name)
union all
select f.name, true, true, 'what an operator does once, and the audit trail shows'
from unnest(array['raise_epoch', 'record_dead_letters', 'request_snapshot']) as f (name)
union all
select f.name, true, true, 'steps of the one consumer of alerts, which guards them by the versions of the rows it reads'
from unnest(array['lock_alert_levels', 'record_alert_levels', 'refresh_alert_conditions', 'establish_alerts', 'claim_deliveries', 'settle_delivery',
    'find_rule_changes', 'close_rule_changes', 'list_due_receivers', 'get_capture_lag']) as f (name)
union all
select f.name, true, true, 'states a rule or a receiver as a whole, read by nothing but alerting; a secret must not lie among the answers'
from unnest(array['set_alert_rule', 'remove_alert_rule', 'set_webhook', 'remove_webhook', 'redeliver_webhook']) as f (name)
union all
values ('apply_commands', true, true, 'each command has its own'),
    ('upsert_items', false, true, 'each entry has its own'), ('upsert_locations', false, true, 'each entry has its own'),
    ('open_count', false, true, 'makes a document');
create temporary view writes as
    select p.oid, p.proname::text as name, coalesce('idempotency_key' = any (p.proargnames), false) as key,
        coalesce('expected_version' = any (p.proargnames), false) as version
    from pg_proc as p
    where p.pronamespace = 'api'::regnamespace and p.provolatile = 'v';
select cmp_ok((select count(*) from writes), '>=', 60::bigint, 'there are writes to look at');
select is_empty($$ select w.name from writes as w where not w.key and w.name not in (select o.name from without as o where o.key) $$,
    'a write takes an idempotency key');
select is_empty($$ select w.name from writes as w where not w.version and w.name not in (select o.name from without as o where o.version) $$,
    'and the version it was decided on');
select is_empty($$ select o.name from without as o left join writes as w on w.name = o.name where w.name is null or w.key and o.key or w.version and o.version $$,
    'what is excepted is there, and has none');
select is_empty($$ select w.name from writes as w join pg_proc as p on p.oid = w.oid cross join unnest(array['idempotency_key', 'expected_version']) as a (name)
    where array_position(p.proargnames, a.name) <= p.pronargs - p.pronargdefaults $$, 'neither is required');

-- What a write must not change when it is refused or replayed.
create function pg_temp.state() returns text language sql as $$
    select md5(concat_ws(' ', (select jsonb_agg(to_jsonb(t) order by t.id) from inventory.item as t), (select jsonb_agg(to_jsonb(t) order by t.id) from inventory.location as t),
        (select jsonb_agg(to_jsonb(t) order by t.item_id, t.location_id) from inventory.stock_level as t), (select jsonb_agg(to_jsonb(t) order by t.id) from inventory.reservation as t),
        (select jsonb_agg(to_jsonb(t) order by t.id) from inventory.transfer as t), (select jsonb_agg(to_jsonb(t) order by t.id) from inventory.purchase_order as t),
        (select jsonb_agg(to_jsonb(t) order by t.id) from inventory.stock_count as t), (select jsonb_agg(to_jsonb(t) order by t.code) from inventory.supplier as t),
        (select jsonb_agg(to_jsonb(t) order by t.item_id, t.supplier_code) from inventory.item_supplier as t), (select jsonb_agg(to_jsonb(t) order by t.code) from inventory.reason_code as t),
        (select jsonb_agg(to_jsonb(t) order by t.item_id, t.location_id) from inventory.item_planning as t), (select jsonb_agg(to_jsonb(t) order by t.item_id, t.unit) from inventory.item_unit as t),
        (select jsonb_agg(to_jsonb(t) order by t.bundle_id, t.component_id) from inventory.bundle_component as t), (select jsonb_agg(to_jsonb(t) order by t.id) from inventory.lot as t),
        (select count(*) from inventory.stock_movement), (select count(*) from inventory.audit_entry), (select count(*) from inventory.idempotency_key)))
$$;
-- What a call answers, as rows.
create function pg_temp.answer(call text) returns jsonb language plpgsql as $$
declare
    v_answer jsonb;
begin
    execute 'select jsonb_agg(to_jsonb(r)) from ' || call || ' as r' into v_answer;
    return v_answer;
end
$$;
create temporary table tried (name text);
-- Tries a call (without its closing bracket) with versions that its row does not have, then with the one that it has, under a key, again, and
-- with another request under that key. Answers what went wrong.
create function pg_temp.tried(call text, version bigint) returns text[] language plpgsql as $$
declare
    v_key constant text := md5(call);
    v_good constant text := format('%s, expected_version => %s, idempotency_key => %L)', call, version, v_key);
    v_before constant text := pg_temp.state();
    v_after text;
    v_wrong text[] := '{}';
    v_refusal jsonb;
    v_first jsonb;
    v_again jsonb;
begin
    insert into tried values (substring(call from '^api\.([a-z_]+)'));
    if version is null then
        return '{no version}';
    end if;
    foreach v_refusal in array array[test.refusal(format('select * from %s, expected_version => %s)', call, version + 1)),
        test.refusal(format('select * from %s, expected_version => %s, idempotency_key => %L)', call, version + 7, v_key))]
    loop
        if v_refusal ->> 'code' is distinct from 'IV006' or (v_refusal ->> 'version')::bigint is distinct from version then
            v_wrong := v_wrong || format('stale: %s', v_refusal);
        end if;
    end loop;
    if pg_temp.state() <> v_before then
        v_wrong := v_wrong || 'a refused call changed something'::text;
    end if;
    v_first := pg_temp.answer(v_good);
    v_after := pg_temp.state();
    if v_after = v_before then
        v_wrong := v_wrong || 'the right version changed nothing'::text;
    elsif jsonb_path_exists(v_first, '$[*].replayed ? (@ == true)') then
        v_wrong := v_wrong || 'the first answer is called a replay'::text;
    end if;
    v_again := pg_temp.answer(v_good);
    if pg_temp.state() <> v_after then
        v_wrong := v_wrong || 'a replay changed something'::text;
    elsif jsonb_path_exists(v_again, '$[*].replayed ? (@ == true)') is not true or jsonb_path_exists(v_again, '$[*].replayed ? (@ == false)')
        or replace(v_again::text, '"replayed": true', '"replayed": false') <> v_first::text
    then
        v_wrong := v_wrong || format('replay: %s, not %s', v_again, v_first);
    end if;
    v_refusal := test.refusal(format('select * from %s, expected_version => %s, idempotency_key => %L)', call, version + 1, v_key));
    if v_refusal ->> 'code' is distinct from 'IV007' then
        v_wrong := v_wrong || format('another request under the key: %s', v_refusal);
    end if;
    if pg_temp.state() <> v_after then
        v_wrong := v_wrong || 'another request under the key changed something'::text;
    end if;
    return v_wrong;
end
$$;
create function pg_temp.item(sku text) returns bigint language sql as $$ select i.version from api.get_item(item.sku) as i $$;
create function pg_temp.level(sku text, location text) returns bigint language sql as $$
    select coalesce((select s.version from inventory.stock_level as s join inventory.item as i on i.id = s.item_id where i.sku = level.sku and s.location_id = level.location), 0) $$;
create function pg_temp.hold(number integer) returns uuid language sql as $$ select ('00000000-0000-0000-0000-00000000000' || number)::uuid $$;
create function pg_temp.held(number integer) returns bigint language sql as $$ select min(r.version) from api.get_reservation(pg_temp.hold(number)) as r $$;

select api.upsert_items('[{"sku": "KIT", "name": "kit", "kind": "bundle"}, {"sku": "M", "name": "milk", "tracking": "lot"}]');
select api.add_stock('A', 'W1', 100), api.add_stock('B', 'W1', 100), api.add_stock('A', 'W2', 10), api.add_stock('M', 'W1', 5, lot => 'L1'), api.upsert_supplier('S', 'Supplier');

-- Single levels.
select is(pg_temp.tried($$api.add_stock('A', 'W1', 1$$, pg_temp.level('A', 'W1')), '{}', 'add_stock');
select is(pg_temp.tried($$api.remove_stock('A', 'W1', 1$$, pg_temp.level('A', 'W1')), '{}', 'remove_stock');
select is(pg_temp.tried($$api.adjust_stock('A', 'W1', 1, reason => 'r'$$, pg_temp.level('A', 'W1')), '{}', 'adjust_stock');
select is(pg_temp.tried($$api.return_stock('A', 'W1', 1$$, pg_temp.level('A', 'W1')), '{}', 'return_stock');
select is(pg_temp.tried($$api.quarantine_stock('A', 'W1', 2$$, pg_temp.level('A', 'W1')), '{}', 'quarantine_stock');
select is(pg_temp.tried($$api.restore_stock('A', 'W1', 1$$, pg_temp.level('A', 'W1')), '{}', 'restore_stock');
select is(pg_temp.tried($$api.write_off_stock('A', 'W1', 1, reason => 'r'$$, pg_temp.level('A', 'W1')), '{}', 'write_off_stock');
select is(pg_temp.tried($$api.reserve_stock('A', 'W1', 1$$, pg_temp.level('A', 'W1')), '{}', 'reserve_stock');
select is(pg_temp.tried($$api.move_stock('A', 'W1', 'W2', 1$$, pg_temp.level('A', 'W1')), '{}', 'move_stock: where it leaves');
select is(pg_temp.tried($$api.ship_stock('W1', 'W2', 'A', 1$$, pg_temp.level('A', 'W1')), '{}', 'ship_stock: where it leaves');
select is(pg_temp.tried($$api.place_purchase_order('S', 'W1', '[{"sku": "A", "quantity": 5}]'$$, pg_temp.level('A', 'W1')), '{}', 'place_purchase_order: of one line');
select is(pg_temp.tried($$api.set_stock_policy('A', 'W1', safety_stock => 3$$, pg_temp.level('A', 'W1')), '{}', 'set_stock_policy');

-- Documents.
select api.reserve_stock('A', 'W1', 2, reservation_id => pg_temp.hold(n)) from generate_series(1, 5) as n;
select is(pg_temp.tried(format('api.extend_reservation(%L, ''1 hour''', pg_temp.hold(1)), pg_temp.held(1)), '{}', 'extend_reservation');
select is(pg_temp.tried(format('api.relocate_reservation(%L, ''W2''', pg_temp.hold(1)), pg_temp.held(1)), '{}', 'relocate_reservation');
select is(pg_temp.tried(format('api.confirm_reservation(%L', pg_temp.hold(1)), pg_temp.held(1)), '{}', 'confirm_reservation');
select is(pg_temp.tried(format('api.confirm_reservation(%L, ''[{"sku": "A", "location": "W1", "quantity": 1}]''', pg_temp.hold(2)), pg_temp.held(2)), '{}', 'confirm_reservation in part');
select is(pg_temp.tried(format('api.cancel_reservation(%L', pg_temp.hold(3)), pg_temp.held(3)), '{}', 'cancel_reservation');
create temporary table paper as
    select (select transfer_id from api.ship_stock('W1', 'W2', 'B', 10) limit 1) as transfer, (select purchase_order_id from api.place_purchase_order('S', 'W1', '[{"sku": "B", "quantity": 10}]')) as ordered,
        (select count_id from api.open_count('W1', '{A,B}')) as counted, (select count_id from api.open_count('W2', '{A}')) as dropped;
create function pg_temp.paper(version text) returns bigint language sql as $$
    select case version when 'transfer' then (select t.version from inventory.transfer as t where t.id = p.transfer)
        when 'ordered' then (select o.version from inventory.purchase_order as o where o.id = p.ordered)
        when 'counted' then (select c.version from inventory.stock_count as c where c.id = p.counted)
        else (select c.version from inventory.stock_count as c where c.id = p.dropped) end
    from paper as p
$$;
select is(pg_temp.tried(format('api.receive_transfer(%L, ''[{"sku": "B", "received": 4}]''', (select transfer from paper)), pg_temp.paper('transfer')), '{}', 'receive_transfer');
select is(pg_temp.tried(format('api.cancel_transfer(%L', (select transfer from paper)), pg_temp.paper('transfer')), '{}', 'cancel_transfer');
select is(pg_temp.tried(format('api.receive_purchase_order(%L, ''[{"sku": "B", "received": 4}]''', (select ordered from paper)), pg_temp.paper('ordered')), '{}', 'receive_purchase_order');
select is(pg_temp.tried(format('api.cancel_purchase_order(%L', (select ordered from paper)), pg_temp.paper('ordered')), '{}', 'cancel_purchase_order');
select is(pg_temp.tried(format('api.count_line(%L, ''B'', 50', (select counted from paper)), pg_temp.paper('counted')), '{}', 'count_line');
select is(pg_temp.tried(format('api.approve_count(%L', (select counted from paper)), pg_temp.paper('counted')), '{}', 'approve_count');
select is(pg_temp.tried(format('api.post_count(%L', (select counted from paper)), pg_temp.paper('counted')), '{}', 'post_count');
select is(pg_temp.tried(format('api.cancel_count(%L', (select dropped from paper)), pg_temp.paper('dropped')), '{}', 'cancel_count');
select is(pg_temp.tried($$api.recall_lot('M', 'L1'$$, (select l.version from api.get_lots('M') as l)), '{}', 'recall_lot');

-- The catalogue and its settings.
select is(pg_temp.tried($$api.upsert_item('A', 'Another'$$, pg_temp.item('A')), '{}', 'upsert_item');
select is(pg_temp.tried($$api.upsert_item('NEW', 'New'$$, 0), '{}', 'upsert_item: 0, there is none yet');
select is(pg_temp.tried($$api.upsert_location('W1', 'Another'$$, (select l.version from api.get_location('W1') as l)), '{}', 'upsert_location');
select is(pg_temp.tried($$api.upsert_location('NEW'$$, 0), '{}', 'upsert_location: 0, there is none yet');
select is(pg_temp.tried($$api.upsert_reason('lost', 'Gone'$$, (select r.version from api.list_reasons() as r where r.code = 'lost')), '{}', 'upsert_reason');
select is(pg_temp.tried($$api.upsert_reason('new', 'New'$$, 0), '{}', 'upsert_reason: 0, there is none yet');
select is(pg_temp.tried($$api.set_bundle('KIT', '[{"sku": "A", "quantity": 2}]'$$, pg_temp.item('KIT')), '{}', 'set_bundle');
select is(pg_temp.tried($$api.set_item_units('A', '[{"unit": "BOX", "quantity": 5}]'$$, pg_temp.item('A')), '{}', 'set_item_units');
select is(pg_temp.tried($$api.set_default_policy(sku => 'A', policy => 'backorder'$$, pg_temp.item('A')), '{}', 'set_default_policy of an item');
select is(pg_temp.tried($$api.set_default_policy(location => 'W2', policy => 'backorder'$$, (select l.version from api.get_location('W2') as l)), '{}', 'set_default_policy of a location');
select is(pg_temp.tried($$api.upsert_supplier('S', 'Another'$$, (select s.version from api.get_supplier('S') as s)), '{}', 'upsert_supplier');
select is(pg_temp.tried($$api.upsert_supplier('NEW'$$, 0), '{}', 'upsert_supplier: 0, there is none yet');
select is(pg_temp.tried($$api.set_item_supplier('A', 'S', 5$$, 0), '{}', 'set_item_supplier: 0, there are none yet');
select is(pg_temp.tried($$api.set_item_supplier('A', 'S', priority => 5$$, (select t.version from api.list_item_suppliers('A', 'S') as t)), '{}', 'set_item_supplier');
select is(pg_temp.tried($$api.remove_item_supplier('A', 'S'$$, (select t.version from api.list_item_suppliers('A', 'S') as t)), '{}', 'remove_item_supplier');
select is(pg_temp.tried($$api.set_item_planning('A', 'W1', demand_days => 30$$, 0), '{}', 'set_item_planning: 0, there is none yet');
select is(pg_temp.tried($$api.set_item_planning('A', 'W1', demand_days => 60$$, (select p.version from api.get_item_planning('A', 'W1') as p)), '{}', 'set_item_planning');
-- Every function that takes both is among these.
select set_eq('select name from writes where key and version', 'select name from tried', 'no write was left out above');

-- What stays as it is keeps its version, and is told as it is.
select results_eq($$ select version, replayed from api.set_bundle('KIT', '[{"sku": "A", "quantity": 2}]') $$, $$ select pg_temp.item('KIT'), false $$, 'the same bundle again');
select results_eq($$ select version from api.set_item_units('A', '[{"unit": "BOX", "quantity": 5}]') $$, $$ select pg_temp.item('A') $$, 'the same units again');
select results_eq($$ select version, test.ledger('A', 'W1') from api.set_stock_policy('A', 'W1', safety_stock => 3, policy => 'deny') $$,
    $$ select pg_temp.level('A', 'W1'), test.ledger('A', 'W1') $$, 'the same settings again');

-- Many at once: an entry, a line, a command has a version of its own.
select is(test.refusal(format($$ select api.upsert_items('[{"sku": "B", "description": "b", "expected_version": %s}, {"sku": "A", "description": "a", "expected_version": 1}]') $$, pg_temp.item('B'))),
    jsonb_build_object('code', 'IV006', 'entry', 1, 'sku', 'A', 'version', pg_temp.item('A')), 'one stale item refuses all');
select is((select array_agg(i.replayed) from api.upsert_items(format('[{"sku": "B", "description": "b", "expected_version": %s}, {"sku": "N2", "name": "n", "expected_version": 0}]', pg_temp.item('B'))::jsonb, 'many') as i),
    '{f,f}', 'the right ones are taken');
select is((select array_agg(i.sku || ' ' || i.replayed order by i.sku) from api.upsert_items(format('[{"sku": "B", "description": "b", "expected_version": %s}, {"sku": "N2", "name": "n", "expected_version": 0}]', pg_temp.item('B') - 1)::jsonb, 'many') as i),
    '{"B true","N2 true"}', 'and answered again under their key');
select is(test.refusal($$ select api.upsert_locations('[{"id": "W1", "priority": 5, "expected_version": 9}]') $$) ->> 'code', 'IV006', 'a stale location');
select throws_ok($$ select api.upsert_items('[{"sku": "A", "expected_version": -1}]') $$, 'IV008', null, 'a version is 0 or more');
select throws_ok($$ select api.upsert_items('[{"sku": "A", "description": "other"}]', 'many') $$, 'IV007', null, 'other items under a key');
select api.upsert_locations('[{"id": "W1", "priority": 5}]', 'places');
select throws_ok($$ select api.upsert_locations('[{"id": "W1", "priority": 6}]', 'places') $$, 'IV007', null, 'other locations under a key');
create function pg_temp.lines(op text, a bigint, b bigint) returns text language sql as $$
    select test.outcomes(jsonb_build_array(jsonb_build_object('op', op, 'from', 'W1', 'to', 'W2', 'supplier', 'S', 'location', 'W1', 'lines', jsonb_build_array(
        jsonb_build_object('sku', 'A', 'location', 'W1', 'quantity', 1, 'expected_version', pg_temp.level('A', 'W1') + a),
        jsonb_build_object('sku', 'B', 'location', 'W1', 'quantity', 1, 'expected_version', pg_temp.level('B', 'W1') + b)))
        - case op when 'move' then '{supplier,location}'::text[] when 'ship' then '{supplier,location}' when 'order' then '{from,to}' else '{from,to,supplier,location}' end
        #- case when op in ('move', 'ship', 'order') then '{lines,0,location}' else '{lines,9}' end::text[]
        #- case when op in ('move', 'ship', 'order') then '{lines,1,location}' else '{lines,9}' end::text[]))::text
$$;
select is((select array_agg(o.op || pg_temp.lines(o.op, 0, 1) || pg_temp.lines(o.op, -1, 0) || pg_temp.lines(o.op, 0, 0)) from unnest(array['add', 'remove', 'return', 'reserve', 'quarantine', 'restore', 'move', 'ship', 'order']) as o (op)),
    (select array_agg(o.op || '{IV006}{IV006}{applied}') from unnest(array['add', 'remove', 'return', 'reserve', 'quarantine', 'restore', 'move', 'ship', 'order']) as o (op)),
    'each line of a command');
select is(test.outcomes(jsonb_build_array(
        jsonb_build_object('op', 'cancel', 'reservation_id', pg_temp.hold(4), 'expected_version', pg_temp.held(4) + 1), jsonb_build_object('op', 'add', 'sku', 'A', 'location', 'W1', 'quantity', 1),
        jsonb_build_object('op', 'cancel', 'reservation_id', pg_temp.hold(5), 'expected_version', pg_temp.held(5)))), '{IV006,applied,applied}', 'a stale command leaves its neighbours alone');
select is((select a.detail -> 'version' from api.apply_commands(jsonb_build_array(jsonb_build_object('op', 'confirm', 'reservation_id', pg_temp.hold(4), 'expected_version', 9))) as a),
    to_jsonb(pg_temp.held(4)), 'and says what the version is');

-- A hold that runs out gives its level another version, but takes nothing from who read the one before.
select api.reserve_stock('B', 'W1', 1, expires_in => '100 milliseconds');
create temporary table seen as select pg_temp.level('B', 'W1') as version, pg_temp.held(4) as held;
select pg_sleep(0.15);
select is(test.outcomes(jsonb_build_array(jsonb_build_object('op', 'add', 'lines', jsonb_build_array(jsonb_build_object('sku', 'B', 'location', 'W1', 'quantity', 1, 'expected_version', s.version))))),
    '{applied}', 'a line expects what was read before') from seen as s;
select is_empty('select * from test.broken_rules()', 'every invariant holds');
select * from finish();
rollback;
