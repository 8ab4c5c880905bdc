-- The first instant that the ledger still tells about in detail: the end of the last month that was retired.
create or replace function internal.history_start()
returns timestamptz
language sql
stable
set search_path = ''
as $$
    select coalesce(internal.month_end(max(r.month)), '-infinity')
    from inventory.retired_partition as r
$$;

comment on function internal.history_start() is 'The first instant that the ledger still tells about.';
