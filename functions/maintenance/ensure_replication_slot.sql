-- Makes the replication slot of the connector if it is missing, and makes it anew if Postgres has given it up (its log was removed, or it was
-- invalidated) or if anew says so, as after a restore: what the old slot remembers then belongs to another history. Answers present, created
-- or recreated; after the last two the connector has to forget its offsets and take a snapshot. A failover slot, as the one of onhand migrate.
-- Waits for transactions under way. Must be the first of its transaction to write: Postgres makes no slot after a write. Audited.
-- Errors: IV008 if anew while somebody reads the slot. Security definer because callers may not make slots.
create or replace function api.ensure_replication_slot(anew boolean default false)
returns text
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_slot record;
    v_found boolean;
    v_lost boolean;
begin
    select s.active, s.wal_status, s.invalidation_reason, s.confirmed_flush_lsn into v_slot
    from pg_catalog.pg_replication_slots as s
    where s.slot_name = 'onhand_debezium';
    v_found := found;
    v_lost := coalesce(v_slot.wal_status = 'lost', false) or v_slot.invalidation_reason is not null;
    if v_found and not (v_lost or coalesce(anew, false)) then
        return 'present';
    end if;
    if v_slot.active then
        perform internal.raise_error('IV008', internal.problem('anew', 'the slot is being read: stop the connector first'));
    end if;
    if v_found then
        perform pg_catalog.pg_drop_replication_slot('onhand_debezium');
    end if;
    -- In a block of its own: if somebody changed a definition while the slot was made, Postgres (18.1) comes back from a subtransaction of its own
    -- with the wrong owner of resources, and the caller's snapshot could not be released (XX000). The block has one owner for both.
    begin
        perform pg_catalog.pg_create_logical_replication_slot('onhand_debezium', 'pgoutput', false, false, true);
    exception
        when others then
            raise;
    end;
    insert into inventory.audit_entry (action, detail)
    values ('ensure_replication_slot', jsonb_strip_nulls(jsonb_build_object('anew', anew, 'wal_status', v_slot.wal_status,
        'invalidation_reason', v_slot.invalidation_reason, 'confirmed_flush_lsn', v_slot.confirmed_flush_lsn)));
    return case when v_found then 'recreated' else 'created' end;
end
$$;

revoke execute on function api.ensure_replication_slot(boolean) from public;
grant execute on function api.ensure_replication_slot(boolean) to onhand_api, onhand_operator;
comment on function api.ensure_replication_slot(boolean) is 'Makes the replication slot of the connector if it is missing or was given up.';
