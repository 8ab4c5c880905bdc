-- Lifts rows that were last written in an earlier epoch to the one in force, a bounded number in one call; returns how many, 0 once there are
-- none left. After a restore a read model may hold a row as it was in the time that was lost, with a higher version than the restored row:
-- lifted, the restored row is the newer one. Each stock level gets a ledger row of type policy that changes nothing, so that the ledger goes
-- on replaying to every version. Audited once for each call that lifted something.
-- Tables that follow another (lines, lots at a place, serial numbers) have no guarded reader and are left alone.
-- Errors: IV008 if max_rows is not 1 to 100000. Locks the rows, stock levels in key order. Other rows that somebody holds are left for a later
-- call; if there is nothing else, one of them is waited for, with nothing held meanwhile, so that no writer ever waits in a circle with it.
-- Security definer because only the owner writes tables.
create or replace function api.renew_versions(max_rows integer default 5000)
returns bigint
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_floor constant bigint := internal.version_floor();
    v_renewed bigint := 0;
    v_table text;
    v_tables constant text[] := array['category', 'item', 'location', 'reservation', 'stock_summary', 'transfer', 'lot', 'supplier',
        'item_supplier', 'item_planning', 'purchase_order', 'stock_count'];
begin
    if max_rows is null or max_rows not between 1 and 100000 then
        perform internal.raise_error('IV008', internal.problem('max_rows', 'must be 1 to 100000'));
    end if;
    v_renewed := internal.renew_levels(v_floor, max_rows);
    foreach v_table in array v_tables loop
        exit when v_renewed >= max_rows;
        v_renewed := v_renewed + internal.renew_rows(v_table, v_floor, max_rows - v_renewed, wait => false);
    end loop;
    if v_renewed = 0 then
        foreach v_table in array v_tables loop
            exit when v_renewed > 0;
            v_renewed := internal.renew_rows(v_table, v_floor, 1, wait => true);
        end loop;
    end if;
    if v_renewed > 0 then
        insert into inventory.audit_entry (action, detail)
        values ('renew_versions', jsonb_build_object('rows', v_renewed, 'version_floor', v_floor));
    end if;
    return v_renewed;
end
$$;

revoke execute on function api.renew_versions(integer) from public;
grant execute on function api.renew_versions(integer) to onhand_admin;
comment on function api.renew_versions(integer) is 'Lifts rows that were last written in an earlier epoch to the one in force; returns how many.';
