-- The lines of a count as they stand in answers: all of them, or that of one item (and lot). A count without lines is one row without an item.
create or replace function internal.count_lines(id uuid, item_id uuid, lot text)
returns setof api.count_line_state
language sql
stable
rows 20
set search_path = ''
as $$
    select c.id, c.location_id, c.status, i.sku, l.item_id, nullif(l.lot, ''), l.expected, l.expected_version, l.counted, l.counted_at,
        l.counted_by, l.variance, l.serials, l.recounts, l.posted_variance, null::boolean
    from inventory.stock_count as c
    left join inventory.stock_count_line as l on l.stock_count_id = c.id
        and (count_lines.item_id is null or (l.item_id = count_lines.item_id and l.lot = coalesce(count_lines.lot, '')))
    left join inventory.item as i on i.id = l.item_id
    where c.id = count_lines.id
    order by i.sku, l.lot
$$;

comment on function internal.count_lines(uuid, uuid, text) is 'The lines of a count as they stand in answers.';
