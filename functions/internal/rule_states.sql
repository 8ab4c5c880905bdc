-- Rules as they stand in answers.
create or replace function internal.rule_states(ids uuid[])
returns setof api.alert_rule_state
language sql
stable
set search_path = ''
as $$
    select r.kind, i.sku, r.location_id, r.enabled, r.threshold, r.margin, r.severity, r.updated_by, r.updated_at
    from inventory.alert_rule as r
    left join inventory.item as i on i.id = r.item_id
    where r.id = any (ids)
    order by r.kind, i.sku nulls first, r.location_id nulls first
$$;

comment on function internal.rule_states(uuid[]) is 'Rules of alerts as they stand in answers.';
