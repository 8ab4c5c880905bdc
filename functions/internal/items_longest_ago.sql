-- The items of a class at a location whose last count is longest ago, whether they are due or not; none that is being counted there already.
create or replace function internal.items_longest_ago(location_id text, abc_class text, most integer)
returns uuid[]
language sql
stable
set search_path = ''
as $$
    select array(
        select t.item_id
        from internal.items_to_count(items_longest_ago.location_id, items_longest_ago.abc_class, clock_timestamp()) as t
        -- Not in, for the set is read once and hashed, whatever the planner thinks of how many there are.
        where t.item_id not in (
            select l.item_id
            from inventory.stock_count as c
            join inventory.stock_count_line as l on l.stock_count_id = c.id
            where c.location_id = items_longest_ago.location_id and c.status in ('OPEN', 'APPROVED'))
        order by t.last_counted_at nulls first, t.abc_class, t.sku
        limit most)
$$;

comment on function internal.items_longest_ago(text, text, integer) is 'The items of a class at a location whose last count is longest ago.';
