-- A location by its id; no row if there is none. Locks nothing.
-- Security definer because readers of api have no right on the tables.
create or replace function api.get_location(id text)
returns setof api.location_state
language sql
stable
security definer
rows 1
set search_path = ''
as $$
    select l.id, l.name, l.type, l.priority, l.status, l.address, l.metadata, l.version, l.created_at, l.updated_at, l.stock_policy
    from inventory.location as l
    where l.id = get_location.id
$$;

revoke execute on function api.get_location(text) from public;
grant execute on function api.get_location(text) to onhand_api, onhand_reader;
comment on function api.get_location(text) is 'A location by its id.';
