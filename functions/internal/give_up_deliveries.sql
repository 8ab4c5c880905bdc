-- Ends all deliveries to a receiver that are still pending, for this reason.
create or replace function internal.give_up_deliveries(receiver text, reason text)
returns void
language sql
volatile
set search_path = ''
as $$
    update inventory.alert_delivery as d
    set status = 'failed', error = give_up_deliveries.reason, settled_at = clock_timestamp()
    where d.receiver = give_up_deliveries.receiver and d.status = 'pending';
$$;

comment on function internal.give_up_deliveries(text, text) is 'Ends all deliveries to a receiver that are still pending.';
