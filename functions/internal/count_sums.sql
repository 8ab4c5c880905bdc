-- A count with the sums of its lines, as it stands in answers.
create or replace function internal.count_sums(id uuid, replayed boolean)
returns setof api.count_summary
language sql
stable
rows 1
set search_path = ''
as $$
    select c.id, c.location_id, c.status, c.abc_class, c.reference, c.opened_by, c.approved_by, c.posted_by, c.created_at, c.updated_at,
        c.approved_at, c.posted_at, c.version, l.lines, l.counted, l.different, l.variance, count_sums.replayed
    from inventory.stock_count as c
    cross join lateral (
        select count(*) as lines, count(l.counted) as counted,
            count(*) filter (where coalesce(l.posted_variance, l.variance) <> 0) as different,
            coalesce(sum(coalesce(l.posted_variance, l.variance)), 0) as variance
        from inventory.stock_count_line as l
        where l.stock_count_id = c.id
    ) as l
    where c.id = count_sums.id
$$;

comment on function internal.count_sums(uuid, boolean) is 'A count with the sums of its lines.';
