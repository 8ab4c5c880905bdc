-- What is open when alerting begins: how many alerts, of which kinds, and the first hundred, the worst first.
create or replace function internal.established_payload(at timestamptz)
returns jsonb
language sql
stable
set search_path = ''
as $$
    select jsonb_build_object('fingerprint', 'established', 'status', 'open', 'severity', 'critical', 'opened_at', established_payload.at,
        'count', (select count(*) from inventory.alert as a where a.status = 'open'),
        'kinds', (
            select jsonb_object_agg(k.kind, k.alerts)
            from (select a.kind, count(*) as alerts from inventory.alert as a where a.status = 'open' group by a.kind) as k),
        'alerts', (
            select jsonb_agg(jsonb_strip_nulls(jsonb_build_object('fingerprint', a.fingerprint, 'kind', a.kind, 'severity', a.severity,
                'sku', a.sku, 'location', a.location, 'reference', a.reference, 'value', a.value, 'threshold', a.threshold,
                'opened_at', a.opened_at)))
            from (
                select a.fingerprint, a.kind, a.severity, i.sku, a.location_id as location, a.reference, a.value, a.threshold, a.opened_at
                from inventory.alert as a
                left join inventory.item as i on i.id = a.item_id
                where a.status = 'open'
                order by internal.severity_rank(a.severity) desc, a.fingerprint
                limit 100
            ) as a))
$$;

comment on function internal.established_payload(timestamptz) is 'What is open when alerting begins.';
