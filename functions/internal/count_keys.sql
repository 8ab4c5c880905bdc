-- The keys that posting a count may touch: all that was counted. Only an open count gets lines, and only an approved one is posted.
create or replace function internal.count_keys(command internal.command)
returns table (item_id uuid, location_id text)
language sql
stable
rows 20
set search_path = ''
as $$
    select distinct l.item_id, c.location_id
    from inventory.stock_count as c
    join inventory.stock_count_line as l on l.stock_count_id = c.id
    where c.id = (command.body ->> 'count_id')::uuid and l.counted is not null
$$;

comment on function internal.count_keys(internal.command) is 'The keys that posting a count may touch.';
