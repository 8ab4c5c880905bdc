-- Writes checked location descriptions, in id order. Rows that would stay as they are are not touched.
-- Answers the version that each row had before which was written (0 = it was made), by its id.
create or replace function internal.write_locations(locations jsonb)
returns jsonb
language sql
volatile
set search_path = ''
as $$
    -- What was given, by id. A field that was not given keeps what the row has when it is locked, not what it had when this began:
    -- sessions that change different fields of one row all keep theirs.
    with given as materialized (
        select jsonb_object_agg(e.body ->> 'id', e.body) as bodies
        from jsonb_array_elements(locations) as e (body)
    ), written as (
        insert into inventory.location as l (id, name, type, priority, status, address, metadata, version)
        select e.body ->> 'id', coalesce(e.body ->> 'name', k.name, e.body ->> 'id'), coalesce(e.body ->> 'type', k.type, 'warehouse'),
            coalesce(internal.json_integer(e.body -> 'priority')::integer, k.priority, 100),
            coalesce(e.body ->> 'status', k.status, 'open'), coalesce(e.body -> 'address', k.address),
            coalesce(e.body -> 'metadata', k.metadata, '{}'), greatest(1, (select internal.version_floor()))
        from jsonb_array_elements(locations) as e (body)
        left join inventory.location as k on k.id = e.body ->> 'id'
        order by e.body ->> 'id' collate "C"
        on conflict (id) do update
        set name = case when (select g.bodies from given as g) -> l.id ? 'name' then excluded.name else l.name end,
            type = case when (select g.bodies from given as g) -> l.id ? 'type' then excluded.type else l.type end,
            priority = case when (select g.bodies from given as g) -> l.id ? 'priority' then excluded.priority else l.priority end,
            status = case when (select g.bodies from given as g) -> l.id ? 'status' then excluded.status else l.status end,
            address = case when (select g.bodies from given as g) -> l.id ? 'address' then excluded.address else l.address end,
            metadata = case when (select g.bodies from given as g) -> l.id ? 'metadata' then excluded.metadata else l.metadata end,
            version = greatest(l.version + 1, (select internal.version_floor())),
            updated_at = clock_timestamp()
        where ((select g.bodies from given as g) -> l.id ? 'name' and l.name is distinct from excluded.name)
            or ((select g.bodies from given as g) -> l.id ? 'type' and l.type is distinct from excluded.type)
            or ((select g.bodies from given as g) -> l.id ? 'priority' and l.priority is distinct from excluded.priority)
            or ((select g.bodies from given as g) -> l.id ? 'status' and l.status is distinct from excluded.status)
            or ((select g.bodies from given as g) -> l.id ? 'address' and l.address is distinct from excluded.address)
            or ((select g.bodies from given as g) -> l.id ? 'metadata' and l.metadata is distinct from excluded.metadata)
        returning new.id as key, old.version as before
    )
    select coalesce(jsonb_object_agg(w.key, coalesce(w.before, 0)), '{}') from written as w
$$;

comment on function internal.write_locations(jsonb) is 'Writes checked location descriptions, in id order.';
