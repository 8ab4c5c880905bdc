-- Detaches the months of the ledger that ended longer ago than the retention and are closed, oldest first: writes and reads of the ledger
-- never meet them again, questions about that time are refused (IV033), and later ones begin at the closing balances. The tables stay in
-- schema archive, to be dumped and dropped by an operator; drop_detached drops them and those of earlier calls (members of onhand_admin).
-- Returns the months that were detached or dropped. Errors: IV008 if the retention is under a month; 42501 for a drop by others;
-- 55P03 if the ledger is too busy to be locked for a moment: call again. Audited. Safe to call from several sessions and by pg_cron.
-- Security definer because only the owner detaches tables.
create or replace function api.retire_movement_partitions(keep interval default '3 years', drop_detached boolean default false)
returns setof api.retired_month
language plpgsql
volatile
security definer
rows 1
set search_path = ''
set lock_timeout = '2s'  -- writers queue behind the lock that a detach waits for
as $$
declare
    v_until timestamptz;
    v_months date[];
    v_dropped date[] := '{}';
begin
    if keep is null or keep < interval '1 month' then
        perform internal.raise_error('IV008', internal.problem('keep', 'must be at least one month'));
    end if;
    perform pg_advisory_xact_lock(hashtext('onhand.stock_movement.closing'));
    -- No clock goes back as far as the longest interval does.
    v_until := clock_timestamp() - least(keep, interval '4000 years');
    v_months := array(
        select p.month
        from internal.movement_partitions() as p
        join inventory.closed_month as c on c.month = p.month
        where internal.month_end(p.month) <= v_until
            and not exists (select from inventory.retired_partition as r where r.month = p.month)
        order by p.month);
    -- First all that takes time, then all that keeps writers waiting.
    perform internal.prove_month(m.month, p.relation)
    from unnest(v_months) with ordinality as m (month, position)
    join internal.movement_partitions() as p on p.month = m.month
    order by m.position;
    perform internal.detach_month(m.month, p.relation)
    from unnest(v_months) as m (month)
    join internal.movement_partitions() as p on p.month = m.month;
    if drop_detached then
        v_dropped := internal.drop_archive();
    end if;
    return query
    select r.month, r.table_name, r.movements, r.digest, r.month = any (v_dropped)
    from inventory.retired_partition as r
    where r.month = any (v_months || v_dropped)
    order by r.month;
end
$$;

revoke execute on function api.retire_movement_partitions(interval, boolean) from public;
grant execute on function api.retire_movement_partitions(interval, boolean) to onhand_api, onhand_admin;
comment on function api.retire_movement_partitions(interval, boolean) is 'Detaches the months of the ledger that are closed and older than the retention.';
