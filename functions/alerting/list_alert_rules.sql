-- Rules of alerts: of one kind, for an item, for a location, or all. Errors: IV008 if max_rows is not 1 to 1000. Locks nothing.
-- Security definer because callers of api have no right on the tables.
create or replace function api.list_alert_rules(kind text default null, sku text default null, location text default null,
    max_rows integer default 100)
returns setof api.alert_rule_state
language plpgsql
stable
security definer
rows 100
set search_path = ''
as $$
begin
    perform internal.check_max_rows(max_rows);
    return query
    select s.*
    from internal.rule_states(array(
        select r.id
        from inventory.alert_rule as r
        left join inventory.item as i on i.id = r.item_id
        where (list_alert_rules.kind is null or r.kind = list_alert_rules.kind)
            and (list_alert_rules.sku is null or i.sku = list_alert_rules.sku)
            and (list_alert_rules.location is null or r.location_id = list_alert_rules.location)
        order by r.kind, i.sku nulls first, r.location_id nulls first
        limit max_rows)) as s;
end
$$;

revoke execute on function api.list_alert_rules(text, text, text, integer) from public;
grant execute on function api.list_alert_rules(text, text, text, integer) to onhand_api, onhand_reader;
comment on function api.list_alert_rules(text, text, text, integer) is 'Rules of alerts.';
