-- Brings inventory.stock_summary up to date with what was committed since the last call, at most max_movements movements of the ledger
-- (a transaction is never cut in two). Its cost follows the changes, not the tables. One row: movements read, items looked at, summaries
-- changed, and whether it is caught_up or should be called again at once. No row: another session is folding.
-- In another cluster than the last one (a restored dump) all summaries are made anew, max_movements items with each call.
-- Errors: IV008 if max_movements is not 1 to 1,000,000. Locks no stock; safe to call from several sessions and by pg_cron.
-- Security definer because only the owner writes tables.
create or replace function api.fold_stock_summary(max_movements integer default 10000)
returns table (movements bigint, items bigint, changed bigint, caught_up boolean)
language plpgsql
volatile
security definer
rows 1
set search_path = ''
as $$
begin
    if max_movements is null or max_movements not between 1 and 1000000 then
        perform internal.raise_error('IV008', internal.problem('max_movements', 'must be 1 to 1000000'));
    end if;
    if not pg_try_advisory_xact_lock(hashtext('onhand.stock_summary')) then
        return;
    end if;
    if not exists (select from inventory.stock_summary_fold as f
            where f.system_identifier = (select c.system_identifier from pg_catalog.pg_control_system() as c)) then
        perform internal.start_rebuild();
    end if;
    return query
    select f.movements, f.items, f.changed, f.caught_up
    from internal.fold_changes(max_movements) as f;
end
$$;

revoke execute on function api.fold_stock_summary(integer) from public;
grant execute on function api.fold_stock_summary(integer) to onhand_api, onhand_operator;
comment on function api.fold_stock_summary(integer) is 'Brings the summaries up to date with what was committed since the last call.';
