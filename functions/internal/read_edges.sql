-- Edges of alerts as rows, in their order.
create or replace function internal.read_edges(edges jsonb)
returns table (ordinal bigint, fingerprint text, event text, kind text, item_id uuid, location text, reference text, severity text,
    value bigint, threshold bigint, version bigint, at timestamptz, detail jsonb)
language sql
stable
set search_path = ''
as $$
    select e.ordinal, x.fingerprint, x.event, x.kind, x.item_id, x.location, x.reference, x.severity, x.value, x.threshold, x.version,
        coalesce(x.at, now()), coalesce(x.detail, '{}')
    from jsonb_array_elements(edges) with ordinality as e (body, ordinal)
    cross join lateral jsonb_to_record(e.body) as x (fingerprint text, event text, kind text, item_id uuid, location text,
        reference text, severity text, value bigint, threshold bigint, version bigint, at timestamptz, detail jsonb)
$$;

comment on function internal.read_edges(jsonb) is 'Edges of alerts as rows, in their order.';
