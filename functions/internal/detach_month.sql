-- Detaches one month of the ledger into schema archive, where it stays as append-only as it was.
create or replace function internal.detach_month(month date, relation regclass)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_name constant name := (select c.relname from pg_catalog.pg_class as c where c.oid = relation);
begin
    execute format('alter table inventory.stock_movement detach partition inventory.%I', v_name);
    execute format('alter table inventory.%I set schema archive', v_name);
    -- The row trigger of the ledger leaves a partition with it.
    execute format('create trigger stock_movement_append_only before update or delete on archive.%I '
        'for each row execute function internal.refuse_change()', v_name);
    execute format('comment on table archive.%I is %L', v_name,
        'A retired month of the ledger: to be dumped, and dropped when the dump is safe. See inventory.retired_partition.');
    insert into inventory.audit_entry (action, detail)
    select 'retire_movement_partition', jsonb_build_object('month', r.month, 'table', r.table_name, 'movements', r.movements,
        'digest', r.digest)
    from inventory.retired_partition as r
    where r.month = detach_month.month;
end
$$;

comment on function internal.detach_month(date, regclass) is 'Detaches one month of the ledger into schema archive.';
