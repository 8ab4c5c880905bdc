-- Receivers of webhooks in the order of their names, without their secrets. Locks nothing.
-- Security definer because callers of api have no right on the tables.
create or replace function api.list_webhooks()
returns setof api.webhook_state
language sql
stable
security definer
rows 10
set search_path = ''
as $$
    select s.* from internal.webhook_states(null, null) as s
$$;

revoke execute on function api.list_webhooks() from public;
grant execute on function api.list_webhooks() to onhand_operator;
comment on function api.list_webhooks() is 'Receivers of webhooks, without their secrets.';
