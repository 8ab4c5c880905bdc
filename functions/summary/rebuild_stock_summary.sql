-- Makes all summaries anew from stock_level, whatever was folded before; returns how many were wrong. None is, unless somebody changed
-- tables by hand. Waits for a fold under way; folds wait for it, writers do not. Audited.
-- Security definer because only the owner writes tables.
create or replace function api.rebuild_stock_summary()
returns bigint
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_step record;
    v_changed bigint := 0;
begin
    perform pg_advisory_xact_lock(hashtext('onhand.stock_summary'));
    perform internal.start_rebuild();
    loop
        v_step := internal.fold_changes(10000);
        v_changed := v_changed + v_step.changed;
        exit when v_step.caught_up;
    end loop;
    insert into inventory.audit_entry (action, detail)
    values ('rebuild_stock_summary', jsonb_build_object('changed', v_changed));
    return v_changed;
end
$$;

revoke execute on function api.rebuild_stock_summary() from public;
grant execute on function api.rebuild_stock_summary() to onhand_admin;
comment on function api.rebuild_stock_summary() is 'Makes all summaries anew from stock_level; returns how many were wrong.';
