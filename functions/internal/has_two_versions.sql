-- Whether a command that changes levels says its expected version for several lines, or beside a line that has one of its own. The version of a
-- document goes with any number of lines.
create or replace function internal.has_two_versions(command jsonb)
returns boolean
language sql
immutable
set search_path = ''
as $$
    select command ? 'expected_version' and command ->> 'op' <> 'confirm'
        and (jsonb_array_length(command -> 'lines') > 1 or jsonb_path_exists(command, '$.lines[*].expected_version'))
$$;

comment on function internal.has_two_versions(jsonb) is 'Whether a command says its expected version for several lines.';
