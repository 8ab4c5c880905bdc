-- Pending holds that were made for at least so long and end within the horizon (that of the rule, else this one). Holds of a checkout end
-- all the time: the least length leaves them out.
create or replace function internal.expiring_holds(horizon interval, least_length interval)
returns setof api.alert_condition
language sql
stable
set search_path = ''
as $$
    select 'hold_expiry/' || l.item_id || '/' || l.location_id || '/' || l.reservation_id, 'hold_expiry', l.item_id, l.location_id,
        l.reservation_id::text, coalesce(r.severity, 'info'), l.quantity, null::bigint,
        jsonb_strip_nulls(jsonb_build_object('reservation_id', l.reservation_id, 'expires_at', l.expires_at, 'owner', v.owner,
            'reference', v.reference, 'quantity', l.quantity))
    from inventory.reservation as v
    join inventory.reservation_line as l on l.reservation_id = v.id
    cross join lateral internal.alert_rule_of('hold_expiry', l.item_id, l.location_id) as r
    where v.status = 'PENDING' and internal.is_open(l.status)
        and v.expires_at > now()
        and v.expires_at <= now() + greatest(expiring_holds.horizon, (
            select make_interval(secs => max(x.threshold)) from inventory.alert_rule as x where x.kind = 'hold_expiry'))
        and v.expires_at <= now() + coalesce(make_interval(secs => r.threshold), expiring_holds.horizon)
        and v.expires_at - v.created_at >= least_length
        and coalesce(r.enabled, true)
$$;

comment on function internal.expiring_holds(interval, interval) is 'Pending holds of some length that end soon.';
