-- What lies at a location and when each of it was last counted (in a count that was posted) and is to be counted again: A every 30 days, B every
-- 90, C every 365; what never was is due since it came there. Bundles, goods without limit and archived items of which nothing is left
-- are not counted. abc_class: this class only.
create or replace function internal.items_to_count(location_id text, abc_class text, instant timestamptz)
returns setof api.item_to_count
language sql
stable
rows 1000
set search_path = ''
as $$
    with counted as (
        select l.item_id, max(l.counted_at) as counted_at
        from inventory.stock_count as c
        join inventory.stock_count_line as l on l.stock_count_id = c.id and l.counted_at is not null
        where c.location_id = items_to_count.location_id and c.status = 'POSTED'
        group by l.item_id
    ), listed as (
        select i.sku, s.item_id, s.location_id, coalesce(r.class_by_value, r.class_by_units, 'C') as abc_class, s.on_hand,
            c.counted_at, s.created_at
        from inventory.stock_level as s
        join inventory.item as i on i.id = s.item_id and i.kind <> 'bundle' and (i.status = 'active' or s.on_hand <> 0)
        left join inventory.report_abc as r on r.item_id = s.item_id
        left join counted as c on c.item_id = s.item_id
        where s.location_id = items_to_count.location_id and s.policy <> 'unlimited'
    )
    select l.sku, l.item_id, l.location_id, l.abc_class, l.on_hand, l.counted_at, d.due_at, d.due_at <= instant
    from listed as l
    cross join lateral (
        select coalesce(l.counted_at + make_interval(days => case l.abc_class when 'A' then 30 when 'B' then 90 else 365 end), l.created_at)
    ) as d (due_at)
    where items_to_count.abc_class is null or l.abc_class = items_to_count.abc_class
$$;

comment on function internal.items_to_count(text, text, timestamptz) is 'What lies at a location and when each of it is to be counted.';
