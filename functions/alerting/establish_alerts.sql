-- For the consumer of alerts, once all stock levels were judged for the first time: what is open then is told to the receivers as one event
-- (how many of which kind, and the first hundred). Answers when that was done; only the first call does it. With dry_run it only asks.
-- Locks the one row. Security definer because only the owner writes tables.
create or replace function api.establish_alerts(receivers jsonb default '[]', dry_run boolean default false)
returns timestamptz
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_open bigint;
    v_at timestamptz;
    v_event bigint;
begin
    if not dry_run then
        select count(*) into v_open from inventory.alert as a where a.status = 'open';
        insert into inventory.alert_establishment (open_alerts) values (v_open)
        on conflict on constraint alert_establishment_pkey do nothing
        returning established_at into v_at;
        if v_at is not null and v_open > 0 then
            insert into inventory.alert_event (fingerprint, event, severity, payload)
            select 'established', 'established', 'critical', internal.established_payload(v_at)
            returning id into v_event;
            perform internal.deliver_events(array[v_event], receivers);
        end if;
    end if;
    return (select e.established_at from inventory.alert_establishment as e);
end
$$;

revoke execute on function api.establish_alerts(jsonb, boolean) from public;
grant execute on function api.establish_alerts(jsonb, boolean) to onhand_alerts;
comment on function api.establish_alerts(jsonb, boolean) is 'Tells all that is open when alerting begins as one event, once.';
