-- api.ensure_replication_slot: what it makes is no part of a transaction, so here only that it leaves a slot alone that is whole. The failure
-- tests lose the slot of a running stack.
begin;
select plan(2);
select case when exists (select from pg_replication_slots where slot_name = 'onhand_debezium')
    then is(api.ensure_replication_slot(), 'present', 'a slot that is whole is left alone')
    -- A slot that is refused after a write stays in use until the session ends, and keeps its database from being dropped.
    else skip('this server has no slot', 1) end;
select is((select count(*) from inventory.audit_entry where action = 'ensure_replication_slot'), 0::bigint, 'and nothing is written down');
select * from finish();
rollback;
