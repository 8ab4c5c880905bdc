-- Closes, one after the other, all months that ended at least a grace ago and are not closed yet; the grace is there for clocks that differ.
-- Returns those that it closed. See api.close_month. Errors: IV008 if the grace is negative. Safe to call from several sessions and by pg_cron.
-- Security definer because only the owner writes tables.
create or replace function api.close_finished_months(grace interval default '1 hour')
returns setof api.closed_month
language plpgsql
volatile
security definer
rows 1
set search_path = ''
as $$
declare
    v_until timestamptz;
    v_month date;
begin
    if grace is null or grace < interval '0' then
        perform internal.raise_error('IV008', internal.problem('grace', 'must not be negative'));
    end if;
    -- No clock goes back as far as the longest interval does.
    v_until := clock_timestamp() - least(grace, interval '4000 years');
    loop
        v_month := internal.next_month_to_close();
        exit when v_month is null or internal.month_end(v_month) > v_until;
        return query select c.* from api.close_month(v_month) as c;
    end loop;
end
$$;

revoke execute on function api.close_finished_months(interval) from public;
grant execute on function api.close_finished_months(interval) to onhand_api, onhand_operator;
comment on function api.close_finished_months(interval) is 'Closes all months that have ended and are not closed yet.';
