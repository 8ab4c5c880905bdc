-- api.ensure_movement_partitions: ledger partitions ahead of time. Partitions on demand: f30.
begin;
select plan(10);
select is(api.ensure_movement_partitions(5), 6, 'this month and five ahead');
select is((select count(*) from pg_inherits where inhparent = 'inventory.stock_movement'::regclass), 6::bigint, 'are there');
select is(api.ensure_movement_partitions(5), 6, 'a second call finds them');
select is(api.ensure_movement_partitions(0), 1, 'none ahead');
select throws_ok('select api.ensure_movement_partitions(-1)', 'IV008', null, 'a negative number is refused');
select throws_ok('select api.ensure_movement_partitions(121)', 'IV008', null, '121 is refused');
select throws_ok('select api.ensure_movement_partitions(null)', 'IV008', null, 'null is refused');
select is_empty($$ select c.oid::regclass from pg_inherits as h join pg_class as c on c.oid = h.inhrelid
    where h.inhparent = 'inventory.stock_movement'::regclass and pg_get_userbyid(c.relowner) <> 'onhand_owner' $$, 'the owner owns them');
select is_empty($$ select c.oid::regclass from pg_inherits as h join pg_class as c on c.oid = h.inhrelid
    where h.inhparent = 'inventory.stock_movement'::regclass and not has_table_privilege('onhand_reader', c.oid, 'select') $$, 'readers read them');
select is_empty($$ select c.oid::regclass from pg_inherits as h join pg_class as c on c.oid = h.inhrelid
    where h.inhparent = 'inventory.stock_movement'::regclass
        and (select count(*) from pg_trigger as t where t.tgrelid = c.oid and t.tgenabled = 'O') < 2 $$, 'they refuse changes as the ledger does');
select * from finish();
rollback;
