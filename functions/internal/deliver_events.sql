-- Notes for each of these events who is to be told of it: the receivers of the settings ([{"name", "min_severity"}]) and the webhooks that
-- are enabled, each by its kinds and its least severity. Events without a kind are for all.
create or replace function internal.deliver_events(events bigint[], receivers jsonb)
returns void
language sql
volatile
set search_path = ''
as $$
    insert into inventory.alert_delivery (event_id, receiver, fingerprint)
    select e.id, r.name, e.fingerprint
    from inventory.alert_event as e
    join (
        select x.name, null::text[] as kinds, coalesce(x.min_severity, 'info') as min_severity
        from jsonb_to_recordset(coalesce(receivers, '[]')) as x (name text, min_severity text)
        union all
        select 'webhook:' || w.name, w.kinds, w.min_severity
        from inventory.webhook as w
        where w.enabled
    ) as r on internal.severity_rank(e.severity) >= internal.severity_rank(r.min_severity)
        and (r.kinds is null or e.kind is null or e.kind = any (r.kinds))
    where e.id = any (events)
    order by e.id, r.name
$$;

comment on function internal.deliver_events(bigint[], jsonb) is 'Notes for each of these events who is to be told of it.';
