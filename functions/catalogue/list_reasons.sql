-- The reason codes that adjustments and write-offs may give. Locks nothing. Security definer because readers of api have no right on the tables.
create or replace function api.list_reasons()
returns table (code text, description text, active boolean, version bigint)
language sql
stable
security definer
rows 20
set search_path = ''
as $$
    select r.code, r.description, r.active, r.version
    from inventory.reason_code as r
    order by r.code
$$;

revoke execute on function api.list_reasons() from public;
grant execute on function api.list_reasons() to onhand_api, onhand_reader;
comment on function api.list_reasons() is 'The reason codes that adjustments and write-offs may give.';
