-- Rules for the schema that hold for every object, asked from the catalogue.
begin;
select plan(32);
create temporary view functions as
    select p.oid, n.nspname as schema, p.proname as name, p.oid::regprocedure::text as signature, p.prosecdef, p.provolatile, p.proconfig, p.proowner, p.prosrc,
        p.prosqlbody is not null as atomic, l.lanname as language, p.proacl, p.prorettype
    from pg_proc as p
    join pg_namespace as n on n.oid = p.pronamespace
    join pg_language as l on l.oid = p.prolang
    where n.nspname in ('api', 'internal', 'inventory');
create temporary view relations as
    select c.oid, c.relname as name, c.relkind, c.relowner, c.relispartition, c.relreplident
    from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
    where n.nspname = 'inventory' and c.relkind in ('r', 'p', 'v', 'm', 'S');

-- Functions.
select cmp_ok((select count(*) from functions where schema = 'api'), '>=', 22::bigint, 'there are functions to look at');
select is_empty($$ select signature from functions where obj_description(oid, 'pg_proc') is null $$, 'every function has a comment');
select is_empty($$ select signature from functions where obj_description(oid, 'pg_proc') !~ '\.$' $$, 'in a sentence');
select is_empty($$ select signature from functions where schema = 'api' and not prosecdef $$, 'every public function runs with the rights of the owner');
select is_empty($$ select signature from functions where schema <> 'api' and prosecdef $$, 'and no helper does');
select is_empty($$ select signature from functions where prosecdef and not coalesce('search_path=""' = any (proconfig), false) $$,
    'what runs with other rights pins its search path');
select is_empty($$ select signature from functions where pg_get_userbyid(proowner) <> 'onhand_owner' $$, 'the owner owns them');
select is_empty($$ select schema || '.' || name from functions group by 1 having count(*) > 1 $$, 'no name has two functions');
select is_empty($$ select signature from functions where language not in ('sql', 'plpgsql') $$, 'no other languages');
-- They are loaded without a look at their bodies, so that files may stand in any order.
select lives_ok($$ select case f.language when 'plpgsql' then plpgsql_validator(f.oid) else fmgr_sql_validator(f.oid) end from functions as f $$, 'every body is sound');
select is_empty($$ select signature from functions where schema = 'inventory' $$, 'no functions among the tables');
select is_empty($$ select f.signature from functions as f
    where f.provolatile <> 'v' and f.prosrc ~* '\m(insert\s+into|update\s+inventory|delete\s+from|for\s+no\s+key\s+update|clock_timestamp)\M'
        and f.name not in ('get_stock_level', 'get_reservation', 'get_lots', 'get_demand_statistics', 'get_forecast', 'plan_for', 'items_longest_ago', 'list_items_to_count',
            'list_reorder_suggestions') $$, 'what writes, locks or asks the clock is volatile');
-- What renew_rows passes over is no balance, and taken by a later call.
select is_empty($$ select signature from functions where prosrc ~* 'skip\s+locked' and name <> 'renew_rows' $$, 'a balance is never skipped (f04)');
select is_empty($$ select signature from functions where prosrc ~* '\mexecute\s+[^f]' and prosrc !~* 'execute format\(' $$, 'dynamic SQL goes through format');
-- Verbs of public functions.
select is_empty($$ select name from functions where schema = 'api'
    and split_part(name, '_', 1) not in ('add', 'remove', 'adjust', 'move', 'reserve', 'confirm', 'cancel', 'expire', 'get', 'upsert', 'set', 'apply', 'ensure', 'purge',
        'raise', 'close', 'retire', 'replay', 'check', 'list', 'find', 'trace', 'return', 'quarantine', 'restore', 'write', 'ship', 'receive',
        'extend', 'relocate', 'convert', 'place', 'suggest', 'recall', 'fold', 'rebuild', 'refresh', 'open', 'count', 'approve', 'post', 'classify',
        'record', 'request', 'renew', 'lock', 'establish', 'claim', 'settle', 'redeliver') $$,
    'a public function is named by a verb');

-- Tables.
select is_empty($$ select name from relations where relkind in ('r', 'p') and not relispartition and obj_description(oid, 'pg_class') is null $$, 'every table has a comment');
select is_empty($$ select name from relations where relkind in ('r', 'p') and not exists (select from pg_index as i where i.indrelid = relations.oid and i.indisprimary) $$,
    'and a primary key');
select is_empty($$ select c.oid::regclass from pg_class as c where c.relnamespace in ('inventory'::regnamespace, 'api'::regnamespace)
    and c.relkind in ('v', 'm') and obj_description(c.oid, 'pg_class') is null $$, 'every view has a comment');
select is_empty($$ select name from relations where relkind = 'm'
    and not exists (select from pg_index as i where i.indrelid = relations.oid and i.indisunique and i.indpred is null and i.indexprs is null) $$,
    'a materialized view can be refreshed while it is read');
select is_empty($$ select name from relations where pg_get_userbyid(relowner) <> 'onhand_owner' $$, 'the owner owns them');
select is_empty($$ select t.typname from pg_type as t join pg_namespace as n on n.oid = t.typnamespace left join pg_class as c on c.oid = t.typrelid
    where n.nspname in ('api', 'internal') and t.typtype = 'c' and c.relkind = 'c' and obj_description(t.oid, 'pg_type') is null $$, 'every type has a comment');
select is_empty($$ select c.conname from pg_constraint as c join relations as r on r.oid = c.conrelid
    where c.contype in ('c', 'u') and not r.relispartition and c.conname !~ ('^' || r.name || '_') $$, 'constraints are named after their table');
select is_empty($$ select a.attrelid::regclass || '.' || a.attname from pg_attribute as a join relations as r on r.oid = a.attrelid
    where a.attnum > 0 and not a.attisdropped and a.atttypid = 'timestamp'::regtype $$, 'instants have a time zone');
select is_empty($$ select a.attrelid::regclass || '.' || a.attname from pg_attribute as a join relations as r on r.oid = a.attrelid
    where a.attnum > 0 and not a.attisdropped and (a.attgenerated <> '') $$, 'no generated columns: an incremental snapshot cannot read them');
select is_empty($$ select c.conrelid::regclass || ' ' || c.conname from pg_constraint as c join relations as r on r.oid = c.conrelid
    where c.contype = 'f' and not exists (select from pg_index as i where i.indrelid = c.conrelid and i.indkey[0] = c.conkey[1])
        -- Neither categories nor locations are deleted; the second would compete with the key when plans are made on a small table.
        and c.conname not in ('category_parent_id_fkey', 'stock_level_location_id_fkey') $$, 'what refers to another table has an index');
-- A hot row is updated in place only if no index has a column that every write changes.
select is_empty($$ select i.indexrelid::regclass from pg_index as i join pg_attribute as a on a.attrelid = i.indrelid and a.attnum = any (i.indkey::int2[])
    where i.indrelid = 'inventory.stock_level'::regclass and a.attname not in ('item_id', 'location_id') $$, 'no index on a column of stock_level that changes');
select ok((select c.reloptions @> '{fillfactor=70}' from pg_class as c where c.oid = 'inventory.stock_level'::regclass), 'and room for it on the page');

-- Change capture.
select results_eq($$ select p.pubname::text collate "default", p.puballtables, p.pubviaroot, p.pubinsert and p.pubupdate and p.pubdelete from pg_publication as p $$,
    $$ values ('onhand_publication', false, true, true) $$, 'one publication, partitions as their root');
select set_eq($$ select t.schemaname || '.' || t.tablename from pg_publication_tables as t where t.pubname = 'onhand_publication' $$,
    array['inventory.category', 'inventory.item', 'inventory.location', 'inventory.stock_level', 'inventory.reservation', 'inventory.reservation_line',
        'inventory.stock_movement', 'inventory.stock_summary', 'inventory.debezium_heartbeat', 'inventory.debezium_signal', 'inventory.item_unit',
        'inventory.bundle_component', 'inventory.reason_code', 'inventory.transfer', 'inventory.transfer_line', 'inventory.transfer_lot', 'inventory.lot',
        'inventory.lot_level', 'inventory.lot_movement', 'inventory.reservation_lot', 'inventory.serial', 'inventory.serial_movement', 'inventory.supplier',
        'inventory.item_supplier', 'inventory.purchase_order', 'inventory.purchase_order_line', 'inventory.stock_count', 'inventory.stock_count_line'], 'of these tables');
select set_eq($$ select name from relations where relkind in ('r', 'p') and relreplident = 'f' $$, array['category', 'item', 'location', 'item_unit', 'bundle_component', 'item_supplier',
    'supplier', 'lot', 'stock_count_line'], 'small and wide tables log whole rows');
select is_empty($$ select name from relations where relkind in ('r', 'p') and relreplident not in ('d', 'f') $$, 'the others their key');
select ok((select rolcanlogin and rolreplication and not rolsuper and not rolcreatedb and not rolcreaterole and not rolbypassrls from pg_roles where rolname = 'onhand_cdc'),
    'the capture role may log in and replicate, and no more');
select * from finish();
rollback;
