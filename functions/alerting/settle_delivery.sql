-- For the consumer of alerts: what became of an attempt. delivered; failed (given up); disabled (the receiver is gone: the webhook is
-- disabled, and all that is pending for it is given up); anything else: it is tried again after the pause. Only the attempt that holds the
-- message settles it: one that took longer than its lease changes nothing unless it was delivered. Answers whether it changed something.
-- Locks the delivery. Security definer because only the owner writes tables.
create or replace function api.settle_delivery(delivery_id uuid, attempt integer, outcome text, response_status integer default null,
    error text default null, pause interval default '0')
returns boolean
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_receiver text;
begin
    update inventory.alert_delivery as d
    set status = case outcome when 'delivered' then 'delivered' when 'failed' then 'failed' when 'disabled' then 'failed' else 'pending' end,
        settled_at = case when outcome in ('delivered', 'failed', 'disabled') then clock_timestamp() end,
        response_status = settle_delivery.response_status, error = left(settle_delivery.error, 500),
        next_attempt_at = clock_timestamp() + pause
    where d.id = delivery_id and d.status = 'pending' and (d.attempts = attempt or outcome = 'delivered')
    returning d.receiver into v_receiver;
    if v_receiver is not null and outcome = 'disabled' then
        update inventory.webhook as w
        set enabled = false, disabled_reason = left(settle_delivery.error, 500), updated_at = clock_timestamp()
        where 'webhook:' || w.name = v_receiver and w.enabled;
        perform internal.give_up_deliveries(v_receiver, 'the webhook was disabled');
        insert into inventory.audit_entry (action, detail)
        values ('disable_webhook', jsonb_build_object('receiver', v_receiver, 'reason', settle_delivery.error));
    end if;
    return v_receiver is not null;
end
$$;

revoke execute on function api.settle_delivery(uuid, integer, text, integer, text, interval) from public;
grant execute on function api.settle_delivery(uuid, integer, text, integer, text, interval) to onhand_alerts;
comment on function api.settle_delivery(uuid, integer, text, integer, text, interval) is 'Notes what became of an attempt to deliver a message.';
