-- Webhooks as they stand in answers, in the order of their names: the one of this name, or all.
create or replace function internal.webhook_states(webhook text, secret text)
returns setof api.webhook_state
language sql
stable
set search_path = ''
as $$
    select w.name, w.url, w.kinds, w.min_severity, w.enabled, w.disabled_reason,
        (select count(*) from inventory.alert_delivery as d where d.receiver = 'webhook:' || w.name and d.status = 'pending'),
        w.created_at, w.updated_at, webhook_states.secret
    from inventory.webhook as w
    where webhook_states.webhook is null or w.name = webhook_states.webhook
    order by w.name
$$;

comment on function internal.webhook_states(text, text) is 'Webhooks as they stand in answers.';
