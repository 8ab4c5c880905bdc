-- Makes the ledger partitions of this month and the next ones. Returns how many months are ready from now on.
-- Errors: IV008 if months_ahead is not 0 to 120. Safe to call from several sessions and by pg_cron.
-- Security definer because only the owner makes tables.
create or replace function api.ensure_movement_partitions(months_ahead integer default 3)
returns integer
language plpgsql
volatile
security definer
set search_path = ''
as $$
begin
    if months_ahead is null or months_ahead not between 0 and 120 then
        perform internal.raise_error('IV008', internal.problem('months_ahead', 'must be 0 to 120'));
    end if;
    perform internal.ensure_movement_partition(date_trunc('month', clock_timestamp(), 'UTC') + make_interval(months => m))
    from generate_series(0, months_ahead) as m;
    return months_ahead + 1;
end
$$;

revoke execute on function api.ensure_movement_partitions(integer) from public;
grant execute on function api.ensure_movement_partitions(integer) to onhand_api, onhand_operator;
comment on function api.ensure_movement_partitions(integer) is 'Makes the ledger partitions of this month and the next ones.';
