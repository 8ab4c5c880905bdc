-- Makes a receiver of signed webhooks (Standard Webhooks) or changes it by its name; null keeps what it has. It gets the edges of alerts of
-- these kinds (an empty list: of all) that are at least so severe, from then on. enabled => true takes back one that was disabled.
-- The secret it signs with is made here if none is given, and answered by this one call; secret => 'new' makes another.
-- Errors: IV008. Locks the webhook. Audited, without the secret. Idempotent by nature, but for new secrets.
-- Security definer because only the owner writes tables.
create or replace function api.set_webhook(name text, url text default null, kinds text[] default null, min_severity text default null,
    enabled boolean default null, secret text default null)
returns setof api.webhook_state
language plpgsql
volatile
security definer
rows 1
set search_path = ''
as $$
declare
    v_old inventory.webhook;
    v_made text;
begin
    perform internal.check_webhook(name, url, kinds, min_severity, nullif(secret, 'new'));
    select w.* into v_old from inventory.webhook as w where w.name = set_webhook.name for no key update of w;
    if v_old.name is null and url is null then
        perform internal.raise_error('IV008', internal.problem('url', 'is required for a new webhook'));
    end if;
    if secret = 'new' or (secret is null and v_old.name is null) then
        -- Two random ids have 244 bits from the system's strong generator.
        v_made := 'whsec_' || encode(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()), 'base64');
    end if;
    insert into inventory.webhook as w (name, url, secret, kinds, min_severity, enabled)
    values (set_webhook.name, coalesce(set_webhook.url, v_old.url), coalesce(v_made, set_webhook.secret, v_old.secret),
        case when set_webhook.kinds is null then v_old.kinds else nullif(set_webhook.kinds, '{}') end,
        coalesce(set_webhook.min_severity, v_old.min_severity, 'info'), coalesce(set_webhook.enabled, v_old.enabled, true))
    on conflict on constraint webhook_pkey do update
    set url = excluded.url, secret = excluded.secret, kinds = excluded.kinds, min_severity = excluded.min_severity,
        enabled = excluded.enabled, disabled_reason = case when not excluded.enabled then w.disabled_reason end,
        updated_at = clock_timestamp();
    insert into inventory.audit_entry (action, detail)
    values ('set_webhook', jsonb_strip_nulls(jsonb_build_object('name', set_webhook.name, 'url', set_webhook.url,
        'kinds', set_webhook.kinds, 'min_severity', set_webhook.min_severity, 'enabled', set_webhook.enabled,
        'new_secret', coalesce(v_made, set_webhook.secret) is not null)));
    return query select s.* from internal.webhook_states(set_webhook.name, v_made) as s;
end
$$;

revoke execute on function api.set_webhook(text, text, text[], text, boolean, text) from public;
grant execute on function api.set_webhook(text, text, text[], text, boolean, text) to onhand_operator;
comment on function api.set_webhook(text, text, text[], text, boolean, text) is 'Makes a receiver of signed webhooks or changes it by its name.';
