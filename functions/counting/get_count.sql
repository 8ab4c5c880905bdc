-- A count and its lines; one row without an item if it has no lines yet. Errors: IV031 unknown_count. Locks nothing.
-- Security definer because readers of api have no right on the tables.
create or replace function api.get_count(count_id uuid)
returns setof api.count_line_state
language plpgsql
stable
security definer
rows 20
set search_path = ''
as $$
begin
    return query select l.* from internal.count_lines(get_count.count_id, null, null) as l;
    if not found then
        perform internal.raise_error('IV031', jsonb_build_object('count_id', get_count.count_id));
    end if;
end
$$;

revoke execute on function api.get_count(uuid) from public;
grant execute on function api.get_count(uuid) to onhand_api, onhand_reader;
comment on function api.get_count(uuid) is 'A count and its lines.';
