-- The rows of an answer that was made or found ({"rows": […], "replayed": true}), each with whether it is a stored one.
create or replace function internal.answered_rows(answer jsonb)
returns table (answered jsonb)
language sql
immutable
rows 5
set search_path = ''
as $$
    select e.line || jsonb_build_object('replayed', coalesce((answer -> 'replayed')::boolean, false))
    from jsonb_array_elements(answer -> 'rows') with ordinality as e (line, position)
    order by e.position
$$;

comment on function internal.answered_rows(jsonb) is 'The rows of an answer that was made or found.';
