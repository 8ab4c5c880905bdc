-- For the consumer of alerts: all rules that may be in force for stock levels of these items and locations. Locks nothing.
-- Security definer because only readers have a right on the tables.
create or replace function api.find_level_rules(item_ids uuid[], location_ids text[])
returns setof api.level_rule
language sql
stable
security definer
rows 10
set search_path = ''
as $$
    select r.kind, r.item_id, r.location_id collate "default", r.enabled, r.threshold, r.margin, r.severity
    from inventory.alert_rule as r
    where r.kind in ('reorder_point', 'safety_stock', 'out_of_stock')
        and (r.item_id is null or r.item_id = any (item_ids))
        and (r.location_id is null or r.location_id = any (location_ids))
$$;

revoke execute on function api.find_level_rules(uuid[], text[]) from public;
grant execute on function api.find_level_rules(uuid[], text[]) to onhand_alerts;
comment on function api.find_level_rules(uuid[], text[]) is 'The rules that may be in force for stock levels of these items and locations.';
