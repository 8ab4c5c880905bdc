-- Sets the rule of a kind of alert for an item at a location, an item, a location, or (neither named) everywhere. The most specific rule
-- is in force, and it alone: what it leaves null is the default. enabled => false: no such alert there; those that are open resolve.
-- threshold: opens at or below so many units that are available (null: reorder point or safety stock of the level; 0 for
-- out_of_stock), resolves above threshold + margin. For lot_expiry and hold_expiry: seconds before the end. For count_variance: the
-- smallest difference. Levels are judged anew within seconds.
-- Errors: IV003, IV004, IV008. Locks the rule. Audited. Idempotent by nature. Security definer because only the owner writes tables.
create or replace function api.set_alert_rule(kind text, sku text default null, location text default null, enabled boolean default true,
    threshold bigint default null, margin bigint default null, severity text default null)
returns setof api.alert_rule_state
language plpgsql
volatile
security definer
rows 1
set search_path = ''
as $$
declare
    v_place record;
    v_id uuid;
begin
    perform internal.check_alert_rule(kind, threshold, margin, severity);
    v_place := internal.rule_place(sku, location);
    insert into inventory.alert_rule as r (kind, item_id, location_id, enabled, threshold, margin, severity)
    values (set_alert_rule.kind, v_place.item_id, v_place.location_id, coalesce(set_alert_rule.enabled, true),
        set_alert_rule.threshold, set_alert_rule.margin, set_alert_rule.severity)
    on conflict on constraint alert_rule_key_unique do update
    set enabled = excluded.enabled, threshold = excluded.threshold, margin = excluded.margin, severity = excluded.severity,
        updated_by = session_user, updated_at = clock_timestamp()
    where (r.enabled, r.threshold, r.margin, r.severity)
        is distinct from (excluded.enabled, excluded.threshold, excluded.margin, excluded.severity)
    returning r.id into v_id;
    if v_id is not null then
        perform internal.note_rule_change('set_alert_rule', kind, sku, location, v_place.item_id, jsonb_build_object(
            'enabled', coalesce(enabled, true), 'threshold', threshold, 'margin', margin, 'severity', severity));
    end if;
    return query
    select s.*
    from inventory.alert_rule as r
    cross join lateral internal.rule_states(array[r.id]) as s
    where r.kind = set_alert_rule.kind and r.item_id is not distinct from v_place.item_id
        and r.location_id is not distinct from v_place.location_id;
end
$$;

revoke execute on function api.set_alert_rule(text, text, text, boolean, bigint, bigint, text) from public;
grant execute on function api.set_alert_rule(text, text, text, boolean, bigint, bigint, text) to onhand_api, onhand_operator;
comment on function api.set_alert_rule(text, text, text, boolean, bigint, bigint, text) is 'Sets the rule of a kind of alert for an item, a location, both, or everywhere.';
