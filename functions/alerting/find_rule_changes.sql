-- For the consumer of alerts: the oldest changes of rules whose levels are still to be judged anew, in their order. Archived items that have
-- open alerts count as a change of theirs; they are looked for, among all alerts that are open, once nothing else is left to judge.
-- Errors: IV008 if max_rows is not 1 to 1000. Security definer because only the owner writes tables.
create or replace function api.find_rule_changes(max_rows integer default 100)
returns table (id bigint, item_id uuid, location text)
language sql
volatile
security definer
rows 100
set search_path = ''
as $$
    select internal.check_max_rows(max_rows);
    insert into inventory.alert_rule_change (item_id)
    select distinct a.item_id
    from inventory.alert as a
    join inventory.item as i on i.id = a.item_id
    where a.status = 'open' and a.kind in ('reorder_point', 'safety_stock', 'out_of_stock') and i.status = 'archived'
        and not exists (select from inventory.alert_rule_change);
    select c.id, c.item_id, c.location_id collate "default" from inventory.alert_rule_change as c order by c.id limit max_rows
$$;

revoke execute on function api.find_rule_changes(integer) from public;
grant execute on function api.find_rule_changes(integer) to onhand_alerts;
comment on function api.find_rule_changes(integer) is 'The oldest changes of rules whose levels are still to be judged anew.';
