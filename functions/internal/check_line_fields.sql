-- The first field of a line that its command does not read there; null if there is none.
create or replace function internal.check_line_fields(line jsonb, path text, fields text[])
returns jsonb
language sql
immutable
as $$
    select internal.problem(path || min(f.name), 'is not a field of a line of this command')
    from jsonb_object_keys(line - fields) as f (name)
    having count(*) > 0
$$;

comment on function internal.check_line_fields(jsonb, text, text[]) is 'The first field of a line that its command does not read there.';
