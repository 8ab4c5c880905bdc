-- The ledger, its closing balances and the audit trail are append-only, and balances are never deleted: refused by privilege for others,
-- by this trigger for the owner too.
create or replace function internal.refuse_change()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
    raise exception '% on % is not allowed', lower(tg_op), tg_table_name using
        errcode = 'IV008',
        detail = jsonb_build_object('table', tg_table_name, 'operation', lower(tg_op))::text,
        hint = 'Correct a wrong movement with api.adjust_stock; archive an item or close a location instead of deleting it.';
end
$$;

comment on function internal.refuse_change() is 'Refuses to change what must stay as it was written.';

create or replace trigger stock_movement_append_only
    before update or delete on inventory.stock_movement
    for each row execute function internal.refuse_change();
create or replace trigger stock_movement_no_truncate
    before truncate on inventory.stock_movement
    for each statement execute function internal.refuse_change();
create or replace trigger stock_level_no_delete
    before delete on inventory.stock_level
    for each row execute function internal.refuse_change();
create or replace trigger stock_level_no_truncate
    before truncate on inventory.stock_level
    for each statement execute function internal.refuse_change();
create or replace trigger closed_month_append_only
    before update or delete on inventory.closed_month
    for each row execute function internal.refuse_change();
create or replace trigger closed_month_no_truncate
    before truncate on inventory.closed_month
    for each statement execute function internal.refuse_change();
create or replace trigger closing_balance_append_only
    before update or delete on inventory.closing_balance
    for each row execute function internal.refuse_change();
create or replace trigger closing_balance_no_truncate
    before truncate on inventory.closing_balance
    for each statement execute function internal.refuse_change();
create or replace trigger retired_partition_append_only
    before update or delete on inventory.retired_partition
    for each row execute function internal.refuse_change();
create or replace trigger retired_partition_no_truncate
    before truncate on inventory.retired_partition
    for each statement execute function internal.refuse_change();
create or replace trigger audit_entry_append_only
    before update or delete on inventory.audit_entry
    for each row execute function internal.refuse_change();
create or replace trigger audit_entry_no_truncate
    before truncate on inventory.audit_entry
    for each statement execute function internal.refuse_change();
