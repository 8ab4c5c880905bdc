-- The locations that a set of descriptions names, as they are, in its order.
create or replace function internal.location_changes(locations jsonb)
returns setof api.location_change
language sql
stable
rows 20
set search_path = ''
as $$
    select l.id, l.name, l.type, l.priority, l.status, l.address, l.metadata, l.version, l.created_at, l.updated_at, l.stock_policy, false
    from jsonb_array_elements(locations) with ordinality as e (body, position)
    join inventory.location as l on l.id = e.body ->> 'id'
    order by e.position
$$;

comment on function internal.location_changes(jsonb) is 'The locations that a set of descriptions names, as they are.';
