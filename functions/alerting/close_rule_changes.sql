-- For the consumer of alerts: the levels of these changes of rules were judged anew. Idempotent by nature.
-- Security definer because only the owner writes tables.
create or replace function api.close_rule_changes(ids bigint[])
returns void
language sql
volatile
security definer
set search_path = ''
as $$
    delete from inventory.alert_rule_change as c where c.id = any (ids)
$$;

revoke execute on function api.close_rule_changes(bigint[]) from public;
grant execute on function api.close_rule_changes(bigint[]) to onhand_alerts;
comment on function api.close_rule_changes(bigint[]) is 'Notes that the levels of changed rules were judged anew.';
