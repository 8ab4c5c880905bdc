-- Waits until no open transaction has movements in a month any more, and keeps new ones out until the end of this one. Only one
-- session at a time works on closing and retiring.
create or replace function internal.lock_month(month date)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_relation regclass;
begin
    perform pg_advisory_xact_lock(hashtext('onhand.stock_movement.closing'));
    select p.relation into v_relation from internal.movement_partitions() as p where p.month = lock_month.month;
    if found then
        execute format('lock table %s in share mode', v_relation);
    end if;
end
$$;

comment on function internal.lock_month(date) is 'Waits until no open transaction has movements in a month any more.';
