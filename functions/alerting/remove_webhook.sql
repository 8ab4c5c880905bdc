-- Removes a receiver of webhooks; what was not delivered to it yet never will be. Answers how many were removed, 0 or 1.
-- Locks the webhook and its pending deliveries. Audited. Idempotent by nature. Security definer because only the owner writes tables.
create or replace function api.remove_webhook(name text)
returns integer
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_removed integer;
begin
    delete from inventory.webhook as w where w.name = remove_webhook.name;
    get diagnostics v_removed = row_count;
    if v_removed > 0 then
        perform internal.give_up_deliveries('webhook:' || name, 'the webhook was removed');
        insert into inventory.audit_entry (action, detail)
        values ('remove_webhook', jsonb_build_object('name', remove_webhook.name));
    end if;
    return v_removed;
end
$$;

revoke execute on function api.remove_webhook(text) from public;
grant execute on function api.remove_webhook(text) to onhand_operator;
comment on function api.remove_webhook(text) is 'Removes a receiver of webhooks.';
