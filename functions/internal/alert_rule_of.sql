-- The rule that is in force for a kind of alert of an item at a location: the most specific one. Nulls if there is none.
create or replace function internal.alert_rule_of(kind text, item_id uuid, location_id text)
returns inventory.alert_rule
language sql
stable
set search_path = ''
as $$
    select r.*
    from inventory.alert_rule as r
    where r.kind = alert_rule_of.kind
        and (r.item_id is null or r.item_id = alert_rule_of.item_id)
        and (r.location_id is null or r.location_id = alert_rule_of.location_id)
    order by r.item_id is null, r.location_id is null
    limit 1
$$;

comment on function internal.alert_rule_of(text, uuid, text) is 'The rule that is in force for a kind of alert of an item at a location.';
