-- Brings alerts to the state after these edges: of each alert the last is in force.
create or replace function internal.write_alerts(edges jsonb)
returns void
language sql
volatile
set search_path = ''
as $$
    insert into inventory.alert as a (fingerprint, kind, item_id, location_id, reference, severity, status, opened_at, resolved_at,
        version, value, threshold, detail)
    select e.fingerprint, e.kind, e.item_id, e.location, e.reference, e.severity,
        case e.event when 'opened' then 'open' else 'resolved' end, e.opened_at, e.resolved_at, e.version, e.value, e.threshold, e.detail
    from internal.follow_edges(edges) as e
    where e.is_last
    order by e.fingerprint
    on conflict on constraint alert_pkey do update
    set severity = excluded.severity, status = excluded.status, opened_at = excluded.opened_at, resolved_at = excluded.resolved_at,
        version = excluded.version, value = excluded.value, threshold = excluded.threshold, detail = excluded.detail,
        updated_at = clock_timestamp()
$$;

comment on function internal.write_alerts(jsonb) is 'Brings alerts to the state after these edges.';
