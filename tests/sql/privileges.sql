-- The whole privilege matrix: which role may call which function and touch which table. What is not listed is refused.
begin;
select plan(34);
create temporary table roles as
    select r.rolname::text as role from pg_roles as r where r.rolname in ('onhand_api', 'onhand_reader', 'onhand_operator', 'onhand_admin', 'onhand_cdc', 'onhand_alerts', 'test_nobody');
create role test_nobody;
insert into roles values ('test_nobody');

-- Functions: the groups of roles that may call them.
create temporary table callable (name text, roles text[]);
insert into callable
select f.name, '{onhand_api,onhand_operator,onhand_admin}'::text[] from unnest(array['add_stock', 'remove_stock', 'adjust_stock', 'move_stock', 'set_stock_policy',
    'reserve_stock', 'confirm_reservation', 'cancel_reservation', 'expire_reservations', 'apply_commands', 'upsert_item', 'upsert_items', 'upsert_location',
    'upsert_locations', 'ensure_movement_partitions', 'purge_idempotency_keys']) as f (name)
union all
select f.name, '{onhand_api,onhand_reader,onhand_operator,onhand_admin}'::text[] from unnest(array['get_stock_level', 'get_stock_history', 'get_reservation', 'get_item',
    'get_location']) as f (name)
union all
values ('raise_epoch', '{onhand_admin}'::text[]);
insert into callable values ('set_default_policy', '{onhand_api,onhand_operator,onhand_admin}'), ('close_finished_months', '{onhand_api,onhand_operator,onhand_admin}'),
    ('close_month', '{onhand_operator,onhand_admin}'), ('get_audit_entries', '{onhand_operator,onhand_admin}'),
    ('retire_movement_partitions', '{onhand_api,onhand_admin}'), ('check_ledger', '{onhand_reader,onhand_operator,onhand_admin}'),
    ('check_conservation', '{onhand_api,onhand_reader,onhand_operator,onhand_admin}'), ('get_stock_as_of', '{onhand_api,onhand_reader,onhand_operator,onhand_admin}'),
    ('replay_stock_level', '{onhand_api,onhand_reader,onhand_operator,onhand_admin}');
insert into callable
select f.name, '{onhand_api,onhand_operator,onhand_admin}'::text[] from unnest(array['expire_lots', 'recall_lot']) as f (name)
union all
select f.name, '{onhand_api,onhand_reader,onhand_operator,onhand_admin}'::text[] from unnest(array['get_lots', 'trace_lot', 'find_serial', 'list_serials',
    'get_tracked_units']) as f (name);
-- Special operations on stock, transfers and the catalogue.
insert into callable
select f.name, '{onhand_api,onhand_operator,onhand_admin}'::text[] from unnest(array['return_stock', 'quarantine_stock', 'restore_stock', 'write_off_stock',
    'ship_stock', 'receive_transfer', 'cancel_transfer', 'extend_reservation', 'relocate_reservation', 'set_bundle', 'set_item_units']) as f (name)
union all
select f.name, '{onhand_api,onhand_reader,onhand_operator,onhand_admin}'::text[] from unnest(array['get_transfer', 'get_availability', 'get_bundle',
    'convert_quantity', 'list_reasons']) as f (name)
union all
values ('upsert_reason', '{onhand_operator,onhand_admin}'::text[]);
-- Purchasing, planning, counting.
insert into callable
select f.name, '{onhand_api,onhand_operator,onhand_admin}'::text[] from unnest(array['upsert_supplier', 'set_item_supplier', 'remove_item_supplier',
    'place_purchase_order', 'receive_purchase_order', 'cancel_purchase_order', 'set_item_planning', 'open_count', 'count_line', 'approve_count', 'post_count',
    'cancel_count']) as f (name)
union all
select f.name, '{onhand_api,onhand_reader,onhand_operator,onhand_admin}'::text[] from unnest(array['get_supplier', 'list_suppliers', 'list_item_suppliers',
    'get_purchase_order', 'list_purchase_orders', 'get_item_planning', 'get_demand_statistics', 'get_forecast', 'suggest_safety_stock', 'suggest_reorder_point',
    'suggest_order_quantity', 'list_reorder_suggestions', 'get_count', 'list_counts', 'list_items_to_count']) as f (name);
-- Summaries and reports.
insert into callable values ('fold_stock_summary', '{onhand_api,onhand_operator,onhand_admin}'), ('refresh_reports', '{onhand_api,onhand_operator,onhand_admin}'),
    ('get_stock_summary', '{onhand_api,onhand_reader,onhand_operator,onhand_admin}'), ('rebuild_stock_summary', '{onhand_admin}');
-- Recovery.
insert into callable values ('record_dead_letters', '{onhand_api,onhand_operator,onhand_admin}'),
    ('request_snapshot', '{onhand_api,onhand_operator,onhand_admin}'), ('ensure_replication_slot', '{onhand_api,onhand_operator,onhand_admin}'),
    ('renew_versions', '{onhand_admin}');
-- Alerts: for people, and for the consumer alone.
insert into callable
select f.name, '{onhand_api,onhand_operator,onhand_admin}'::text[] from unnest(array['set_alert_rule', 'remove_alert_rule']) as f (name)
union all
select f.name, '{onhand_api,onhand_reader,onhand_operator,onhand_admin}'::text[] from unnest(array['list_alert_rules', 'get_alert_history']) as f (name)
union all
select f.name, '{onhand_operator,onhand_admin}'::text[] from unnest(array['set_webhook', 'remove_webhook', 'list_webhooks', 'get_webhook_deliveries',
    'redeliver_webhook']) as f (name)
union all
select f.name, '{onhand_alerts}'::text[] from unnest(array['lock_alert_levels', 'find_level_rules', 'record_alert_levels', 'establish_alerts', 'find_rule_changes',
    'close_rule_changes', 'list_alert_levels', 'refresh_alert_conditions', 'get_capture_lag', 'list_due_receivers', 'claim_deliveries', 'settle_delivery']) as f (name)
union all
values ('get_alerts', '{onhand_api,onhand_reader,onhand_operator,onhand_admin,onhand_alerts}'::text[]),
    ('purge_alert_history', '{onhand_operator,onhand_admin,onhand_alerts}');
select set_eq($$ select p.proname::text from pg_proc as p where p.pronamespace = 'api'::regnamespace $$, $$ select name from callable $$,
    'every public function is in the matrix');
select set_eq(
    $$ select p.proname::text, r.role from pg_proc as p cross join roles as r
        where p.pronamespace = 'api'::regnamespace and has_function_privilege(r.role, p.oid, 'execute') $$,
    $$ select c.name, r.role from callable as c cross join unnest(c.roles) as r (role) $$,
    'each public function may be called by these roles and no other');
select is_empty($$ select p.oid::regprocedure, r.role from pg_proc as p cross join roles as r
    where p.pronamespace = 'internal'::regnamespace and has_function_privilege(r.role, p.oid, 'execute') $$, 'nobody may call a helper');
select is_empty($$ select p.oid::regprocedure from pg_proc as p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as a
    where p.pronamespace in ('api'::regnamespace, 'internal'::regnamespace) and a.grantee = 0 $$, 'nothing is granted to everybody');
select is_empty($$ select p.oid::regprocedure from pg_proc as p, aclexplode(p.proacl) as a
    where p.pronamespace in ('api'::regnamespace, 'internal'::regnamespace) and a.is_grantable and a.grantee <> p.proowner $$, 'and nothing can be passed on');

-- Tables.
create temporary table allowed (name text, role text, privilege text);
insert into allowed
select t.relname, r.role, 'SELECT'
from pg_class as t cross join unnest(array['onhand_reader', 'onhand_operator', 'onhand_admin']) as r (role)
where t.relnamespace = 'inventory'::regnamespace and t.relkind in ('r', 'p', 'v', 'm') and t.relname not in ('idempotency_key', 'webhook')
union all
select t.name, 'onhand_cdc', 'SELECT' from unnest(array['category', 'item', 'location', 'stock_level', 'reservation', 'reservation_line', 'stock_movement',
    'stock_summary', 'debezium_heartbeat', 'debezium_signal', 'item_unit', 'bundle_component', 'reason_code', 'transfer', 'transfer_line', 'transfer_lot', 'lot',
    'lot_level', 'lot_movement', 'reservation_lot', 'serial', 'serial_movement', 'supplier', 'item_supplier', 'purchase_order', 'purchase_order_line',
    'stock_count', 'stock_count_line']) as t (name)
union all
values ('debezium_heartbeat', 'onhand_cdc', 'UPDATE'), ('debezium_signal', 'onhand_cdc', 'INSERT'), ('debezium_signal', 'onhand_cdc', 'DELETE');
select set_eq(
    $$ select t.relname::text, r.role, p.privilege from pg_class as t cross join roles as r
        cross join unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER', 'MAINTAIN']) as p (privilege)
        where t.relnamespace = 'inventory'::regnamespace and t.relkind in ('r', 'p', 'v', 'm') and has_table_privilege(r.role, t.oid, p.privilege) $$,
    $$ select name, role, privilege from allowed $$, 'each table may be touched by these roles in these ways and no other');
select is_empty($$ select name from allowed where role = 'onhand_api' $$, 'the api role has no right on any table');
select set_eq(
    $$ select t.relname::text, r.role, p.privilege from pg_class as t cross join roles as r
        cross join unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER', 'MAINTAIN']) as p (privilege)
        where t.relnamespace = 'api'::regnamespace and t.relkind <> 'c' and has_table_privilege(r.role, t.oid, p.privilege) $$,
    $$ select t.relname::text, r.role, 'SELECT' from pg_class as t
        cross join unnest(array['onhand_api', 'onhand_reader', 'onhand_operator', 'onhand_admin']) as r (role)
        where t.relnamespace = 'api'::regnamespace and t.relkind = 'v' $$, 'in schema api there are only views to be read');
select is_empty($$ select c.oid::regclass, r.role from pg_class as c cross join roles as r
    where c.relnamespace = 'inventory'::regnamespace and c.relkind = 'S' and has_sequence_privilege(r.role, c.oid, 'usage, update') $$, 'or on a sequence');
select is_empty($$ select a.attrelid::regclass from pg_attribute as a join pg_class as c on c.oid = a.attrelid
    where c.relnamespace = 'inventory'::regnamespace and a.attacl is not null $$, 'there are no rights on single columns');

-- Schemas.
select set_eq($$ select n.nspname::text, r.role from pg_namespace as n cross join roles as r
        where n.nspname in ('api', 'internal', 'inventory', 'archive') and has_schema_privilege(r.role, n.oid, 'usage') $$,
    $$ values ('archive', 'onhand_reader'), ('archive', 'onhand_operator'), ('archive', 'onhand_admin'),
        ('api', 'onhand_api'), ('api', 'onhand_reader'), ('api', 'onhand_operator'), ('api', 'onhand_admin'),
        ('api', 'onhand_alerts'), ('inventory', 'onhand_reader'), ('inventory', 'onhand_operator'), ('inventory', 'onhand_admin'), ('inventory', 'onhand_cdc') $$, 'who may look into which schema');
select is_empty($$ select n.nspname, r.role from pg_namespace as n cross join roles as r
    where n.nspname in ('api', 'internal', 'inventory', 'archive') and has_schema_privilege(r.role, n.oid, 'create') $$, 'nobody may make anything there');

-- Roles.
select set_eq($$ select rolname::text from pg_roles where rolname like 'onhand\_%' and rolreplication $$, array['onhand_cdc', 'onhand_owner'], 'who may make slots');
select is_empty($$ select rolname from pg_roles where rolname like 'onhand\_%' and (rolsuper or rolcreatedb or rolcreaterole or rolbypassrls) $$, 'no role is more than it must be');
select set_eq($$ select rolname::text from pg_roles where rolname in ('onhand_owner', 'onhand_api', 'onhand_reader', 'onhand_operator', 'onhand_admin', 'onhand_cdc', 'onhand_alerts') and rolcanlogin $$,
    array['onhand_cdc'], 'only the capture role logs in');
select set_eq($$ select r.rolname::text, c.setting from pg_roles as r cross join unnest(r.rolconfig) as c (setting)
        where r.rolname in ('onhand_owner', 'onhand_api', 'onhand_reader', 'onhand_operator', 'onhand_admin', 'onhand_cdc', 'onhand_alerts') and c.setting like '%timeout=%' $$,
    $$ values ('onhand_api', 'lock_timeout=5s'), ('onhand_api', 'statement_timeout=30s'), ('onhand_api', 'idle_in_transaction_session_timeout=60s'),
        ('onhand_reader', 'lock_timeout=5s'), ('onhand_reader', 'statement_timeout=60s'), ('onhand_reader', 'idle_in_transaction_session_timeout=5min'),
        ('onhand_operator', 'lock_timeout=5s'), ('onhand_operator', 'statement_timeout=5min'), ('onhand_operator', 'idle_in_transaction_session_timeout=5min'),
        ('onhand_admin', 'lock_timeout=5s'), ('onhand_admin', 'statement_timeout=30min'), ('onhand_admin', 'idle_in_transaction_session_timeout=5min'),
        ('onhand_alerts', 'lock_timeout=5s'), ('onhand_alerts', 'statement_timeout=30s'), ('onhand_alerts', 'idle_in_transaction_session_timeout=60s'),
        ('onhand_cdc', 'lock_timeout=30s'), ('onhand_cdc', 'statement_timeout=0'), ('onhand_cdc', 'idle_in_transaction_session_timeout=0') $$,
    'each role has its time-outs');
-- What the migration gives the roles, the login of the application has for itself: settings of a role do not reach its members.
select set_eq($$ select c.setting from pg_roles as r cross join unnest(r.rolconfig) as c (setting) where r.rolname = 'onhand_app' and c.setting like '%timeout=%' $$,
    $$ select c.setting from pg_roles as r cross join unnest(r.rolconfig) as c (setting) where r.rolname = 'onhand_api' and c.setting like '%timeout=%' $$,
    'so has the login of the application');
select is((select rolcanlogin from pg_roles where rolname = 'onhand_app'), true, 'which the tests do not go without');
-- Who has the rights of whom, and may become whom. Nobody may become the owner, by inheritance or by set role, or pass a role on.
select set_eq($$ select m.roleid::regrole::text, m.member::regrole::text, m.inherit_option, m.set_option, m.admin_option from pg_auth_members as m
        where m.roleid::regrole::text ~ '^onhand_' or m.member::regrole::text ~ '^onhand_' $$,
    $$ values ('onhand_reader', 'onhand_operator', true, true, false), ('onhand_operator', 'onhand_admin', true, true, false),
        ('onhand_api', 'onhand_app', true, true, false), ('onhand_reader', 'onhand_app', true, true, false), ('onhand_alerts', 'onhand_app', true, true, false) $$,
    'each role is a member of these and of no other');

-- And for real.
create function pg_temp.as_role(role text, query text) returns void language plpgsql as $$
begin
    execute format('set local role %I', role);
    execute query;
    reset role;
end
$$;
select lives_ok($$ select pg_temp.as_role('onhand_api', 'select api.upsert_item(''A'', ''a''), api.upsert_location(''W1'')') $$, 'the api role writes through functions');
select lives_ok($$ select pg_temp.as_role('onhand_api', 'select api.add_stock(''A'', ''W1'', 1)') $$, 'also stock');
select throws_ok($$ select pg_temp.as_role('onhand_api', 'select from inventory.item') $$, '42501', null, 'and not past them');
select throws_ok($$ select pg_temp.as_role('onhand_api', 'select internal.version_floor()') $$, '42501', null, 'or into them');
select throws_ok($$ select pg_temp.as_role('onhand_api', 'select api.raise_epoch(''r'')') $$, '42501', null, 'or beyond them');
select lives_ok($$ select pg_temp.as_role('onhand_reader', 'select api.get_stock_level(''A'')') $$, 'the reader reads');
select throws_ok($$ select pg_temp.as_role('onhand_reader', 'select api.add_stock(''A'', ''W1'', 1)') $$, '42501', null, 'and does not write');
select throws_ok($$ select pg_temp.as_role('onhand_reader', 'select from inventory.idempotency_key') $$, '42501', null, 'nor reads stored answers');
select throws_ok($$ select pg_temp.as_role('onhand_reader', 'select from inventory.webhook') $$, '42501', null, 'or secrets of webhooks');
select throws_ok($$ select pg_temp.as_role('onhand_api', 'select api.claim_deliveries(''slack'', 1, ''1 min'')') $$, '42501', null, 'nor does the api role');
select lives_ok($$ select pg_temp.as_role('onhand_alerts', 'select api.claim_deliveries(''slack'', 1, ''1 min'')') $$, 'the consumer of alerts does');
select throws_ok($$ select pg_temp.as_role('onhand_admin', 'update inventory.stock_level set version = 1') $$, '42501', null, 'the admin does not write tables either');
select throws_ok($$ select pg_temp.as_role('onhand_cdc', 'insert into inventory.item (sku, name) values (''x'', ''x'')') $$, '42501', null, 'the capture role does not write items');
select lives_ok($$ select pg_temp.as_role('onhand_cdc', 'update inventory.debezium_heartbeat set beat_at = now()') $$, 'but its heartbeat');
select throws_ok($$ select pg_temp.as_role('test_nobody', 'select api.get_item(''A'')') $$, '42501', null, 'others do nothing at all');
select * from finish();
rollback;
