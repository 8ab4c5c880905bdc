-- For the consumer of alerts: forgets events older than this and what was delivered of them, a bounded number in one call, and alerts that
-- resolved before. Errors: IV008. What is pending stays. Answers how many events. Idempotent by nature. Security definer because only the owner writes tables.
create or replace function api.purge_alert_history(older_than interval default '90 days', max_count integer default 10000)
returns bigint
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    -- Compared with a clock that moves on, the whole history would be looked at.
    v_before timestamptz;
    v_purged bigint;
begin
    if max_count is null or max_count not between 1 and 1000000 then
        perform internal.raise_error('IV008', internal.problem('max_count', 'must be 1 to 1000000'));
    elsif older_than is null or older_than < interval '0' then
        perform internal.raise_error('IV008', internal.problem('older_than', 'must be a length of time, not below zero'));
    end if;
    -- No clock goes back as far as the longest interval does.
    v_before := clock_timestamp() - least(older_than, interval '4000 years');
    delete from inventory.alert_event as e
    where e.id in (
        select o.id
        from inventory.alert_event as o
        where o.recorded_at < v_before
            and not exists (select from inventory.alert_delivery as d where d.event_id = o.id and d.status = 'pending')
        order by o.id
        limit max_count);
    get diagnostics v_purged = row_count;
    delete from inventory.alert as a
    where a.fingerprint in (
        select o.fingerprint
        from inventory.alert as o
        where o.status = 'resolved' and o.resolved_at < v_before
        limit max_count);
    return v_purged;
end
$$;

revoke execute on function api.purge_alert_history(interval, integer) from public;
grant execute on function api.purge_alert_history(interval, integer) to onhand_alerts, onhand_operator;
comment on function api.purge_alert_history(interval, integer) is 'Forgets events of alerts that are older than this.';
