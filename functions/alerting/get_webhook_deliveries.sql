-- The delivery log of webhooks, newest first: of one webhook, with one status (pending, delivered, failed), or all. Page on with
-- before => the id of the last row. Errors: IV008 if max_rows is not 1 to 1000. Locks nothing.
-- Security definer because callers of api have no right on the tables.
create or replace function api.get_webhook_deliveries(webhook text default null, status text default null,
    max_rows integer default 100, before uuid default null)
returns setof api.webhook_delivery
language plpgsql
stable
security definer
rows 100
set search_path = ''
as $$
begin
    perform internal.check_max_rows(max_rows);
    return query
    select s.*
    from internal.webhook_deliveries(array(
        select d.id
        from inventory.alert_delivery as d
        where (webhook is null and starts_with(d.receiver, 'webhook:') or d.receiver = 'webhook:' || webhook)
            and (get_webhook_deliveries.status is null or d.status = get_webhook_deliveries.status)
            and (before is null or d.id < before)
        order by d.id desc
        limit max_rows)) as s;
end
$$;

revoke execute on function api.get_webhook_deliveries(text, text, integer, uuid) from public;
grant execute on function api.get_webhook_deliveries(text, text, integer, uuid) to onhand_operator;
comment on function api.get_webhook_deliveries(text, text, integer, uuid) is 'The delivery log of webhooks, newest first.';
