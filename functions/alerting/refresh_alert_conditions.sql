-- For the consumer of alerts: opens the alerts of what is so now (lots and holds about to end, counts with a variance, and conditions: what
-- the caller found of kind pipeline_lag) and resolves those of these kinds that is so no more. Answers how many of each.
-- One call at a time (advisory lock); a second one waits. Idempotent by nature. Security definer because only the owner writes tables.
create or replace function api.refresh_alert_conditions(lot_horizon interval, hold_horizon interval, hold_least_length interval,
    least_variance bigint, conditions jsonb default '[]', receivers jsonb default '[]', out opened bigint, out resolved bigint)
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_edges jsonb;
begin
    perform pg_advisory_xact_lock(hashtext('onhand.alert_conditions'));
    with present as materialized (
        select c.* from internal.expiring_lots(lot_horizon) as c
        union all
        select c.* from internal.expiring_holds(hold_horizon, hold_least_length) as c
        union all
        select c.* from internal.counts_with_variance(least_variance) as c
        union all
        select c.* from jsonb_populate_recordset(null::api.alert_condition, conditions) as c
    ), edge as (
        select 'opened' as event, p.fingerprint, p.kind, p.item_id, p.location, p.reference, p.severity, p.value, p.threshold, p.detail
        from present as p
        where not exists (select from inventory.alert as a where a.fingerprint = p.fingerprint and a.status = 'open')
        union all
        select 'resolved', a.fingerprint, a.kind, a.item_id, a.location_id, a.reference, a.severity, a.value, a.threshold, a.detail
        from inventory.alert as a
        where a.status = 'open' and a.kind in ('lot_expiry', 'hold_expiry', 'count_variance', 'pipeline_lag')
            and not exists (select from present as p where p.fingerprint = a.fingerprint)
    )
    select coalesce(jsonb_agg(to_jsonb(e.*) order by e.fingerprint), '[]'), count(*) filter (where e.event = 'opened'),
        count(*) filter (where e.event = 'resolved')
    into v_edges, opened, resolved
    from edge as e;
    perform internal.record_edges(v_edges, receivers, false);
end
$$;

revoke execute on function api.refresh_alert_conditions(interval, interval, interval, bigint, jsonb, jsonb) from public;
grant execute on function api.refresh_alert_conditions(interval, interval, interval, bigint, jsonb, jsonb) to onhand_alerts;
comment on function api.refresh_alert_conditions(interval, interval, interval, bigint, jsonb, jsonb) is 'Opens and resolves the alerts that depend on time and on the pipeline.';
