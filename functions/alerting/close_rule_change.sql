-- For the consumer of alerts: the levels of this change of a rule were judged anew. Idempotent by nature.
-- Security definer because only the owner writes tables.
create or replace function api.close_rule_change(id bigint)
returns void
language sql
volatile
security definer
set search_path = ''
as $$
    delete from inventory.alert_rule_change as c where c.id = close_rule_change.id
$$;

revoke execute on function api.close_rule_change(bigint) from public;
grant execute on function api.close_rule_change(bigint) to onhand_alerts;
comment on function api.close_rule_change(bigint) is 'Notes that the levels of a changed rule were judged anew.';
