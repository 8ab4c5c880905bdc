-- Removes the rule of a kind of alert for exactly this item and location (null: for all of them). The next less specific rule, or the
-- default, is in force from then on. Answers how many were removed, 0 or 1.
-- Errors: IV003, IV004, IV008. Locks the rule. Audited. Idempotent by nature. Security definer because only the owner writes tables.
create or replace function api.remove_alert_rule(kind text, sku text default null, location text default null)
returns integer
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_place record;
    v_removed integer;
begin
    perform internal.check_alert_rule(kind, null, null, null);
    v_place := internal.rule_place(sku, location);
    delete from inventory.alert_rule as r
    where r.kind = remove_alert_rule.kind and r.item_id is not distinct from v_place.item_id
        and r.location_id is not distinct from v_place.location_id;
    get diagnostics v_removed = row_count;
    if v_removed > 0 then
        perform internal.note_rule_change('remove_alert_rule', kind, sku, location, v_place.item_id, '{}');
    end if;
    return v_removed;
end
$$;

revoke execute on function api.remove_alert_rule(text, text, text) from public;
grant execute on function api.remove_alert_rule(text, text, text) to onhand_api, onhand_operator;
comment on function api.remove_alert_rule(text, text, text) is 'Removes a rule of alerts.';
