-- The last closed month that had ended by an instant: its closing balances are where answers about that instant begin.
-- Null if no such month was closed.
create or replace function internal.base_month(instant timestamptz)
returns date
language sql
stable
set search_path = ''
as $$
    select max(c.month)
    from inventory.closed_month as c
    where internal.month_end(c.month) <= instant
$$;

comment on function internal.base_month(timestamptz) is 'The last closed month that had ended by an instant.';
