-- Item descriptions from JSON to rows, with what is wrong with each. Absent fields come out null and keep what the item has.
create or replace function internal.item_rows(items jsonb)
returns table (entry bigint, body jsonb, problem jsonb)
language sql
immutable
rows 100
set search_path = ''
as $$
    select e.position, e.body, case
        when jsonb_typeof(e.body) <> 'object' then internal.problem('', 'must be an object')
        when unknown.field is not null then internal.problem(unknown.field, 'is not a field of an item')
        when jsonb_typeof(e.body -> 'sku') is distinct from 'string'
            or e.body ->> 'sku' !~ '^[^\s[:cntrl:]]([^[:cntrl:]]{0,62}[^\s[:cntrl:]])?$'
            then internal.problem('sku', 'must be a text of 1 to 64 characters without blanks at its ends')
        when e.body ? 'name' and (jsonb_typeof(e.body -> 'name') <> 'string' or length(e.body ->> 'name') not between 1 and 500)
            then internal.problem('name', 'must be a text of 1 to 500 characters')
        when e.body ? 'description' and (jsonb_typeof(e.body -> 'description') <> 'string'
                or length(e.body ->> 'description') > 100000)
            then internal.problem('description', 'must be a text of at most 100000 characters')
        when e.body ? 'kind' and not e.body ->> 'kind' = any (array['physical', 'digital', 'bundle'])
            then internal.problem('kind', 'must be physical, digital or bundle')
        when e.body ? 'status' and not e.body ->> 'status' = any (array['active', 'archived'])
            then internal.problem('status', 'must be active or archived')
        when e.body ? 'tracking' and not e.body ->> 'tracking' = any (array['none', 'lot', 'serial'])
            then internal.problem('tracking', 'must be none, lot or serial')
        when e.body ? 'unit_of_measure' and e.body ->> 'unit_of_measure' !~ '^[A-Za-z0-9_.-]{1,16}$'
            then internal.problem('unit_of_measure', 'must be 1 to 16 letters, digits, dots, dashes or underscores')
        when e.body ? 'tags' and (jsonb_typeof(e.body -> 'tags') <> 'array' or jsonb_array_length(e.body -> 'tags') > 100
                or jsonb_path_exists(e.body, '$.tags[*] ? (@.type() != "string")'))
            then internal.problem('tags', 'must be an array of at most 100 texts')
        when e.body ? 'dimensions' and jsonb_typeof(e.body -> 'dimensions') <> 'object'
            then internal.problem('dimensions', 'must be an object')
        when e.body ? 'metadata' and jsonb_typeof(e.body -> 'metadata') <> 'object'
            then internal.problem('metadata', 'must be an object')
        when e.body ? 'expected_version' and coalesce(internal.json_integer(e.body -> 'expected_version'), -1) < 0
            then internal.problem('expected_version', 'must be a whole number, 0 or more')
        when e.body ? 'category' and (jsonb_typeof(e.body -> 'category') <> 'string'
                or e.body ->> 'category' !~ '^\S(.{0,62}\S)?$')
            then internal.problem('category', 'must be a text of 1 to 64 characters')
        when e.body ? 'parent_sku' and (jsonb_typeof(e.body -> 'parent_sku') <> 'string' or e.body ->> 'parent_sku' = e.body ->> 'sku')
            then internal.problem('parent_sku', 'must be the sku of another item')
    end
    from jsonb_array_elements(items) with ordinality as e (body, position)
    left join lateral (
        select min(k.field) as field
        from jsonb_object_keys(case jsonb_typeof(e.body) when 'object' then e.body else '{}' end) as k (field)
        where not k.field = any (array['sku', 'name', 'description', 'kind', 'parent_sku', 'category', 'unit_of_measure', 'tags',
            'dimensions', 'metadata', 'status', 'tracking', 'expected_version'])
    ) as unknown on true
$$;

comment on function internal.item_rows(jsonb) is 'Item descriptions from JSON to rows, with what is wrong with each.';
