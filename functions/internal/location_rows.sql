-- Location descriptions from JSON to rows, with what is wrong with each.
create or replace function internal.location_rows(locations jsonb)
returns table (entry bigint, body jsonb, problem jsonb)
language sql
immutable
rows 20
set search_path = ''
as $$
    select e.position, e.body, case
        when jsonb_typeof(e.body) <> 'object' then internal.problem('', 'must be an object')
        when unknown.field is not null then internal.problem(unknown.field, 'is not a field of a location')
        when jsonb_typeof(e.body -> 'id') is distinct from 'string' or e.body ->> 'id' !~ '^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$'
            then internal.problem('id', 'must be 1 to 64 letters, digits, dots, dashes or underscores')
        when row_number() over (partition by e.body ->> 'id' order by e.position) > 1
            then internal.problem('id', 'stands twice in the batch')
        when e.body ? 'name' and (jsonb_typeof(e.body -> 'name') <> 'string' or length(e.body ->> 'name') not between 1 and 500)
            then internal.problem('name', 'must be a text of 1 to 500 characters')
        when e.body ? 'type' and not e.body ->> 'type' = any (array['warehouse', 'store', 'dark_store', 'partner', 'ecommerce'])
            then internal.problem('type', 'must be warehouse, store, dark_store, partner or ecommerce')
        when e.body ? 'status' and not e.body ->> 'status' = any (array['open', 'closed'])
            then internal.problem('status', 'must be open or closed')
        when e.body ? 'priority' and coalesce(internal.json_integer(e.body -> 'priority'), -1) not between 0 and 1000000
            then internal.problem('priority', 'must be a whole number from 0 to 1000000')
        when e.body ? 'address' and jsonb_typeof(e.body -> 'address') <> 'object' then internal.problem('address', 'must be an object')
        when e.body ? 'metadata' and jsonb_typeof(e.body -> 'metadata') <> 'object'
            then internal.problem('metadata', 'must be an object')
        when e.body ? 'expected_version' and coalesce(internal.json_integer(e.body -> 'expected_version'), -1) < 0
            then internal.problem('expected_version', 'must be a whole number, 0 or more')
    end
    from jsonb_array_elements(locations) with ordinality as e (body, position)
    left join lateral (
        select min(k.field) as field
        from jsonb_object_keys(case jsonb_typeof(e.body) when 'object' then e.body else '{}' end) as k (field)
        where not k.field = any (array['id', 'name', 'type', 'priority', 'status', 'address', 'metadata', 'expected_version'])
    ) as unknown on true
$$;

comment on function internal.location_rows(jsonb) is 'Location descriptions from JSON to rows, with what is wrong with each.';
