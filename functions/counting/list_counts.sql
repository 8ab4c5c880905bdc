-- Counts with their sums, newest first, of one location or status, or of all. Page on with before => the id of the last row.
-- Errors: IV008 if max_rows is not 1 to 1000. Locks nothing. Security definer because readers of api have no right on the tables.
create or replace function api.list_counts(location text default null, status text default null, max_rows integer default 100,
    before uuid default null)
returns setof api.count_summary
language plpgsql
stable
security definer
rows 100
set search_path = ''
as $$
begin
    perform internal.check_max_rows(max_rows);
    return query
    select s.*
    from (
        select c.id
        from inventory.stock_count as c
        where (list_counts.location is null or c.location_id = list_counts.location)
            and (list_counts.status is null or c.status = list_counts.status)
            and (before is null or c.id < before)
        order by c.id desc
        limit max_rows
    ) as k
    cross join lateral internal.count_sums(k.id, null) as s
    order by k.id desc;
end
$$;

revoke execute on function api.list_counts(text, text, integer, uuid) from public;
grant execute on function api.list_counts(text, text, integer, uuid) to onhand_api, onhand_reader;
comment on function api.list_counts(text, text, integer, uuid) is 'Counts with their sums, newest first.';
