-- The next items in key order that have a stock_level.
create or replace function internal.items_after(item_id uuid, max_count integer)
returns uuid[]
language sql
stable
set search_path = ''
set enable_seqscan = off  -- a plan made while the table was empty must not scan it later
set enable_hashagg = off
as $$
    select array(
        select distinct s.item_id
        from inventory.stock_level as s
        where s.item_id > items_after.item_id
        order by s.item_id
        limit max_count)
$$;

comment on function internal.items_after(uuid, integer) is 'The next items in key order that have a stock_level.';
