-- Drops the tables of retired months that are still there. Only for members of onhand_admin: what is not dumped is gone for ever.
create or replace function internal.drop_archive()
returns date[]
language plpgsql
volatile
set search_path = ''
as $$
declare
    -- Not current_user: this runs with the rights of the owner.
    v_caller constant name := coalesce(nullif(current_setting('role'), 'none'), session_user);
    v_retired inventory.retired_partition;
    v_dropped date[] := '{}';
begin
    if not pg_has_role(v_caller, 'onhand_admin', 'usage') then
        raise exception 'only onhand_admin may drop retired months' using errcode = 'insufficient_privilege';
    end if;
    for v_retired in
        select r.* from inventory.retired_partition as r where to_regclass(r.table_name) is not null order by r.month
    loop
        execute format('drop table %s', to_regclass(v_retired.table_name));
        v_dropped := v_dropped || v_retired.month;
        insert into inventory.audit_entry (action, detail)
        values ('drop_movement_partition', jsonb_build_object('month', v_retired.month, 'table', v_retired.table_name));
    end loop;
    return v_dropped;
end
$$;

comment on function internal.drop_archive() is 'Drops the tables of retired months that are still there.';
