-- api.get_audit_entries: who did what that is not a movement of stock; and that it stays.
begin;
select plan(22);
select test.make_catalogue();
select is_empty('select * from api.get_audit_entries()', 'making items and locations is none');
select test.close_catalogue();
select * from api.upsert_item('OLD', status => 'archived');
select * from api.upsert_item('OLD', status => 'active');
select * from api.add_stock('A', 'W1', 1, idempotency_key => 'k');
select * from api.set_stock_policy('A', 'W1', safety_stock => 2, reason => 'season', user_id => 'u');
select api.raise_epoch('restored');
update inventory.idempotency_key set created_at = clock_timestamp() - interval '2 days';
select api.purge_idempotency_keys(), api.purge_idempotency_keys();
select results_eq('select action, actor, detail from api.get_audit_entries()', $$ select e.action collate "default", session_user::text collate "default", e.detail::jsonb from (values
    ('purge_idempotency_keys', '{"older_than": "24:00:00", "purged": 1}'),
    ('raise_epoch', '{"epoch": 1, "reason": "restored"}'),
    ('set_stock_policy', '{"sku": "A", "location": "W1", "from": {"safety_stock": 0, "reorder_point": 0, "policy": "deny"},
        "to": {"safety_stock": 2, "reorder_point": 0, "policy": "deny"}, "version": 2, "reason": "season", "user_id": "u"}'),
    ('set_item_status', '{"item": "OLD", "from": "archived", "to": "active", "version": 3}'),
    ('set_location_status', '{"location": "SHUT", "from": "open", "to": "closed", "version": 2}'),
    ('set_item_status', '{"item": "OLD", "from": "active", "to": "archived", "version": 2}')) as e (action, detail) $$, 'each administrative act has one entry, newest first');
select results_eq($$ select action from api.get_audit_entries(action => 'set_item_status') $$, array['set_item_status', 'set_item_status'], 'of one kind');
select is((select count(*) from api.get_audit_entries(max_rows => 2)), 2::bigint, 'a page');
select set_eq($$ select a.id from api.get_audit_entries(max_rows => 4, before => (select min(b.id) from api.get_audit_entries(max_rows => 2) as b)) as a $$,
    $$ select id from api.get_audit_entries() offset 2 $$, 'and the next');
select is_empty($$ select * from api.get_audit_entries(since => clock_timestamp()) $$, 'since now: none');
select is((select count(*) from api.get_audit_entries(since => now())), 6::bigint, 'since the beginning: all');
select is_empty($$ select * from api.get_audit_entries(action => 'none') $$, 'an unknown action: none');
select throws_ok('select * from api.get_audit_entries(max_rows => 0)', 'IV008', null, 'no rows are refused');
select throws_ok('select * from api.get_audit_entries(max_rows => 1001)', 'IV008', null, 'too many too');
select throws_ok('select * from api.get_audit_entries(max_rows => null)', 'IV008', null, 'and null');

-- A refusal leaves no entry; what was undone neither.
select throws_ok($$ select * from api.set_stock_policy('A', 'W1', policy => 'maybe') $$, 'IV008', null, 'a refused setting');
select is((select count(*) from api.get_audit_entries()), 6::bigint, 'is no act');

-- Who: the session, whatever role it took.
set local role onhand_admin;
select api.raise_epoch('as admin');
select is((select e.actor from api.get_audit_entries(max_rows => 1) as e), session_user::text, 'the login is named');
reset role;

-- It stays.
create function pg_temp.as_role(role text, query text) returns void language plpgsql as $$
begin
    execute format('set local role %I', role);
    execute query;
    reset role;
end
$$;
select throws_ok(format('select pg_temp.as_role(%L, %L)', q.role, q.query), q.code, null, q.role || ' ' || q.query)
from (values ('onhand_owner', 'update inventory.audit_entry set actor = ''x''', 'IV008'), ('onhand_owner', 'delete from inventory.audit_entry', 'IV008'),
    ('onhand_owner', 'truncate inventory.audit_entry', 'IV008'), ('onhand_admin', 'update inventory.audit_entry set actor = ''x''', '42501'),
    ('onhand_admin', 'delete from inventory.audit_entry', '42501'), ('onhand_admin', 'insert into inventory.audit_entry (action) values (''x'')', '42501'),
    ('onhand_api', 'select * from api.get_audit_entries()', '42501'), ('onhand_reader', 'select * from api.get_audit_entries()', '42501')) as q (role, query, code);
select * from finish();
rollback;
