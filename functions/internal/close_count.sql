-- Takes a count from one state to the next and keeps who did it. The count is locked.
create or replace function internal.close_count(id uuid, status text, user_id text)
returns void
language sql
volatile
set search_path = ''
as $$
    update inventory.stock_count as c
    set status = close_count.status, version = greatest(c.version + 1, internal.version_floor()), updated_at = clock_timestamp(),
        approved_by = case close_count.status when 'APPROVED' then close_count.user_id else c.approved_by end,
        approved_at = case close_count.status when 'APPROVED' then clock_timestamp() else c.approved_at end
    where c.id = close_count.id
$$;

comment on function internal.close_count(uuid, text, text) is 'Takes a count from one state to the next.';
