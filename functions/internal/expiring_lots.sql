-- Lots of which sellable units lie at a place and that expire within the horizon (that of the rule, else this one), or have expired.
create or replace function internal.expiring_lots(horizon interval)
returns setof api.alert_condition
language sql
stable
set search_path = ''
as $$
    select 'lot_expiry/' || l.item_id || '/' || l.location_id || '/' || t.code, 'lot_expiry', l.item_id, l.location_id, t.code,
        coalesce(r.severity, 'warning'), l.on_hand, null::bigint,
        jsonb_build_object('lot', t.code, 'expires_at', t.expires_at, 'on_hand', l.on_hand, 'reserved', l.reserved)
    from inventory.lot as t
    join inventory.lot_level as l on l.item_id = t.item_id and l.lot_id = t.id
    cross join lateral internal.alert_rule_of('lot_expiry', l.item_id, l.location_id) as r
    where l.on_hand > 0 and t.status = 'active'
        -- The longest horizon of all rules bounds what is looked at.
        and t.expires_at <= now() + greatest(expiring_lots.horizon, (
            select make_interval(secs => max(x.threshold)) from inventory.alert_rule as x where x.kind = 'lot_expiry'))
        and t.expires_at <= now() + coalesce(make_interval(secs => r.threshold), expiring_lots.horizon)
        and coalesce(r.enabled, true)
$$;

comment on function internal.expiring_lots(interval) is 'Lots with sellable units that expire soon.';
