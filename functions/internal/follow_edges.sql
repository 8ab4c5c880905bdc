-- Edges of alerts in their order, with what each has from the one before it: an alert that resolves keeps the severity with which it
-- opened (whoever was told of the one is told of the other) and the instant. old is the edge before it in the table, if it is the first here.
create or replace function internal.follow_edges(edges jsonb)
returns table (ordinal bigint, fingerprint text, event text, kind text, item_id uuid, location text, reference text, severity text,
    value bigint, threshold bigint, version bigint, opened_at timestamptz, resolved_at timestamptz, detail jsonb, is_last boolean)
language sql
stable
set search_path = ''
as $$
    select e.ordinal, e.fingerprint, e.event, e.kind, e.item_id, e.location, e.reference,
        case when e.event = 'resolved' then coalesce(lag(e.severity) over alert, o.severity, e.severity) else e.severity end,
        e.value, e.threshold, e.version,
        case when e.event = 'resolved' then coalesce(lag(e.at) over alert, o.opened_at, e.at) else e.at end,
        case when e.event = 'resolved' then e.at end, e.detail, lead(e.ordinal) over alert is null
    from internal.read_edges(edges) as e
    left join inventory.alert as o on o.fingerprint = e.fingerprint
    window alert as (partition by e.fingerprint order by e.ordinal)
$$;

comment on function internal.follow_edges(jsonb) is 'Edges of alerts in their order, with what each has from the one before it.';
