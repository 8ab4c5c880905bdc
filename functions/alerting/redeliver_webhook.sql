-- Delivers a message to its webhook once more, whatever became of it: the same message under the same id, with a new signature and with
-- all its attempts. Answers it as it is then. Errors: IV008 where no webhook has such a delivery, or it is disabled.
-- Locks the delivery. Audited. Idempotent while it is pending. Security definer because only the owner writes tables.
create or replace function api.redeliver_webhook(delivery_id uuid)
returns setof api.webhook_delivery
language plpgsql
volatile
security definer
rows 1
set search_path = ''
as $$
declare
    v_webhook text;
begin
    select w.name into v_webhook
    from inventory.alert_delivery as d
    join inventory.webhook as w on d.receiver = 'webhook:' || w.name
    where d.id = delivery_id and w.enabled;
    if v_webhook is null then
        perform internal.raise_error('IV008', internal.problem('delivery_id', 'must be a delivery to a webhook that is enabled'));
    end if;
    update inventory.alert_delivery as d
    set status = 'pending', attempts = 0, next_attempt_at = clock_timestamp(), settled_at = null
    where d.id = delivery_id and d.status <> 'pending';
    if found then
        insert into inventory.audit_entry (action, detail)
        values ('redeliver_webhook', jsonb_build_object('name', v_webhook, 'delivery_id', delivery_id));
    end if;
    return query select s.* from internal.webhook_deliveries(array[delivery_id]) as s;
end
$$;

revoke execute on function api.redeliver_webhook(uuid) from public;
grant execute on function api.redeliver_webhook(uuid) to onhand_operator;
comment on function api.redeliver_webhook(uuid) is 'Delivers a message to its webhook once more.';
