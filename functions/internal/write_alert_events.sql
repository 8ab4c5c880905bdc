-- Writes these edges of alerts as events, in their order, before the state changes. Answers their ids.
create or replace function internal.write_alert_events(edges jsonb)
returns bigint[]
language sql
volatile
set search_path = ''
as $$
    with written as (
        insert into inventory.alert_event (fingerprint, event, kind, severity, payload)
        select e.fingerprint, e.event, e.kind, e.severity, jsonb_strip_nulls(jsonb_build_object('fingerprint', e.fingerprint,
            'kind', e.kind, 'status', case e.event when 'opened' then 'open' else 'resolved' end, 'severity', e.severity,
            'sku', i.sku, 'item_id', e.item_id, 'location', e.location, 'reference', e.reference, 'value', e.value,
            'threshold', e.threshold, 'version', e.version, 'opened_at', e.opened_at, 'resolved_at', e.resolved_at,
            'detail', nullif(e.detail, '{}')))
        from internal.follow_edges(edges) as e
        left join inventory.item as i on i.id = e.item_id
        order by e.ordinal
        returning id
    )
    select array_agg(w.id order by w.id) from written as w
$$;

comment on function internal.write_alert_events(jsonb) is 'Writes these edges of alerts as events.';
