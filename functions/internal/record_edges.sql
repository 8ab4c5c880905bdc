-- Records edges of alerts in their order: the event, who is to be told of it, the state of each alert. The caller holds the lock that makes
-- each edge the next one of its alert. quiet: only the state.
create or replace function internal.record_edges(edges jsonb, receivers jsonb, quiet boolean)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
    if jsonb_array_length(edges) = 0 then
        return;
    end if;
    if not quiet then
        perform internal.deliver_events(internal.write_alert_events(edges), receivers);
    end if;
    perform internal.write_alerts(edges);
end
$$;

comment on function internal.record_edges(jsonb, jsonb, boolean) is 'Records edges of alerts: event, who is to be told, state.';
