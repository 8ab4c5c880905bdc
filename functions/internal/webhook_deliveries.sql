-- Deliveries to webhooks as they stand in answers.
create or replace function internal.webhook_deliveries(ids uuid[])
returns setof api.webhook_delivery
language sql
stable
set search_path = ''
as $$
    select d.id, substr(d.receiver, length('webhook:') + 1), e.event, d.fingerprint collate "default", d.status, d.attempts,
        d.response_status, d.error, d.created_at, d.attempted_at, case when d.status = 'pending' then d.next_attempt_at end,
        d.settled_at, e.payload
    from inventory.alert_delivery as d
    join inventory.alert_event as e on e.id = d.event_id
    where d.id = any (ids)
    order by d.id desc
$$;

comment on function internal.webhook_deliveries(uuid[]) is 'Deliveries to webhooks as they stand in answers.';
