-- The lines of a command as they were sent: one for each entry of lines, or the command itself.
create or replace function internal.command_lines(body jsonb)
returns table (entry bigint, line jsonb)
language sql
immutable
rows 5
set search_path = ''
as $$
    select e.position, e.line
    from jsonb_array_elements(case when jsonb_typeof(body -> 'lines') = 'array' then body -> 'lines' else jsonb_build_array(body) end)
        with ordinality as e (line, position)
$$;

comment on function internal.command_lines(jsonb) is 'The lines of a command as they were sent.';
