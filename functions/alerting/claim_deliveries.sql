-- For the consumer of alerts: takes messages for a receiver that are due, oldest first, and counts the attempt. Of each alert only the oldest
-- that is pending: edges of one alert are told in their order. What is not settled within the lease is due again.
-- Errors: IV008 if max_rows is not 1 to 1000. Locks the deliveries. Security definer because only the owner writes tables.
create or replace function api.claim_deliveries(receiver text, max_rows integer, lease interval)
returns setof api.claimed_delivery
language plpgsql
volatile
security definer
rows 100
set search_path = ''
as $$
declare
    -- Compared with a clock that moves on, every pending message would be looked at.
    v_now constant timestamptz := clock_timestamp();
begin
    perform internal.check_max_rows(max_rows);
    return query
    with due as materialized (
        select d.id
        from inventory.alert_delivery as d
        where d.receiver = claim_deliveries.receiver and d.status = 'pending' and d.next_attempt_at <= v_now
            and not exists (
                select from inventory.alert_delivery as e
                where e.receiver = d.receiver and e.fingerprint = d.fingerprint and e.status = 'pending' and e.event_id < d.event_id)
        order by d.event_id
        limit max_rows
        for no key update of d
    ), taken as (
        update inventory.alert_delivery as d
        set attempts = d.attempts + 1, attempted_at = v_now, next_attempt_at = v_now + lease
        from due
        where d.id = due.id and d.status = 'pending' and d.next_attempt_at <= v_now
        returning d.id, d.attempts, d.event_id
    )
    select t.id, t.attempts, e.event, e.fingerprint collate "default", e.payload, w.url, w.secret
    from taken as t
    join inventory.alert_event as e on e.id = t.event_id
    left join inventory.webhook as w on 'webhook:' || w.name = claim_deliveries.receiver
    order by t.event_id;
end
$$;

revoke execute on function api.claim_deliveries(text, integer, interval) from public;
grant execute on function api.claim_deliveries(text, integer, interval) to onhand_alerts;
comment on function api.claim_deliveries(text, integer, interval) is 'Takes messages for a receiver that are due.';
