-- The month that is to be closed next: the one behind the last closed, or the first that has movements. Null if there is none.
create or replace function internal.next_month_to_close()
returns date
language sql
stable
set search_path = ''
as $$
    select coalesce(
        (select (max(c.month) + interval '1 month')::date from inventory.closed_month as c),
        (select min(p.month)
            from internal.movement_partitions() as p
            where exists (
                select from inventory.stock_movement as m
                where m.recorded_at >= internal.month_start(p.month) and m.recorded_at < internal.month_end(p.month))))
$$;

comment on function internal.next_month_to_close() is 'The month that is to be closed next.';
