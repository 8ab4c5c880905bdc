-- Counts that wait for approval and found something else than the ledger says: by at least so many units on one line.
create or replace function internal.counts_with_variance(least_variance bigint)
returns setof api.alert_condition
language sql
stable
set search_path = ''
as $$
    select 'count_variance/' || c.id, 'count_variance', null::uuid, c.location_id, c.id::text,
        (array['info', 'warning', 'critical'])[max(internal.severity_rank(coalesce(r.severity, 'warning')))],
        sum(abs(l.variance))::bigint, null::bigint,
        jsonb_strip_nulls(jsonb_build_object('count_id', c.id, 'lines', count(*), 'units', sum(abs(l.variance)), 'reference', c.reference))
    from inventory.stock_count as c
    join inventory.stock_count_line as l on l.stock_count_id = c.id
    cross join lateral internal.alert_rule_of('count_variance', l.item_id, c.location_id) as r
    where c.status = 'OPEN' and abs(l.variance) >= coalesce(r.threshold, least_variance) and coalesce(r.enabled, true)
    group by c.id
$$;

comment on function internal.counts_with_variance(bigint) is 'Counts that wait for approval and found something else than the ledger says.';
