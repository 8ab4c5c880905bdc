-- Whether the ledger is whole: each movement follows the one before it on its key, closing balances are what the movements of their month
-- lead to, months were closed without a gap, retired months that are still in schema archive are what they were when they were detached (a
-- dump that was restored there is proved by this). Each row is one violation; none = all is well. Reads the whole ledger. Locks nothing.
-- Security definer because its callers have no right on the tables.
create or replace function api.check_ledger()
returns setof api.finding
language sql
stable
security definer
rows 1
set search_path = ''
as $$
    select f.* from internal.check_chain() as f
    union all
    select f.*
    from inventory.closed_month as c
    cross join lateral internal.check_closing(c.month) as f
    where internal.month_start(c.month) >= internal.history_start()
    union all
    select 'months are closed without a gap', null, null, jsonb_build_object('month', g.month, 'before', g.before)
    from (select c.month, lag(c.month) over (order by c.month) as before from inventory.closed_month as c) as g
    where g.before <> (g.month - interval '1 month')::date
    union all
    select f.* from internal.check_archive() as f
$$;

revoke execute on function api.check_ledger() from public;
grant execute on function api.check_ledger() to onhand_reader;
comment on function api.check_ledger() is 'Whether the ledger, its closing balances and its retired months are whole: each row is a violation.';
