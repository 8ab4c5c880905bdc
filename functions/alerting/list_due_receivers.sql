-- For the consumer of alerts: which of these receivers, and which webhooks that are enabled, have something to be sent now. Locks nothing.
-- Security definer because only readers have a right on the tables.
create or replace function api.list_due_receivers(receivers text[])
returns setof text
language sql
volatile
security definer
rows 10
set search_path = ''
as $$
    select r.name
    from (
        select unnest(receivers) as name
        union all
        select 'webhook:' || w.name from inventory.webhook as w where w.enabled
    ) as r
    where exists (
        select from inventory.alert_delivery as d
        where d.receiver = r.name and d.status = 'pending'
            -- Asked once: compared with a clock that moves on, every pending message would be looked at.
            and d.next_attempt_at <= (select clock_timestamp()))
$$;

revoke execute on function api.list_due_receivers(text[]) from public;
grant execute on function api.list_due_receivers(text[]) to onhand_alerts;
comment on function api.list_due_receivers(text[]) is 'Which receivers of alerts have something to be sent now.';
