-- Waits until no open transaction has movements in a month any more, and keeps new ones out until the end of this one. Only one
-- session at a time works on closing and retiring. Refuses (0A000) a transaction that would not see what it has waited for.
create or replace function internal.lock_month(month date)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_relation regclass;
begin
    if current_setting('transaction_isolation') not in ('read committed', 'read uncommitted') then
        raise exception 'months are closed and retired in read committed transactions only' using errcode = 'feature_not_supported';
    end if;
    perform pg_advisory_xact_lock(hashtext('onhand.stock_movement.closing'));
    select p.relation into v_relation from internal.movement_partitions() as p where p.month = lock_month.month;
    if found then
        execute format('lock table %s in share mode', v_relation);
    end if;
end
$$;

comment on function internal.lock_month(date) is 'Waits until no open transaction has movements in a month any more.';
