-- Refuses a set of descriptions that is no array or too large. Errors: IV008, IV013.
create or replace function internal.check_entries(entries jsonb, name text)
returns void
language plpgsql
immutable
set search_path = ''
as $$
begin
    if jsonb_typeof(entries) is distinct from 'array' then
        perform internal.raise_error('IV008', internal.problem(name, 'must be an array of objects'));
    elsif jsonb_array_length(entries) > 1000 then
        perform internal.raise_error('IV013', jsonb_build_object('entries', jsonb_array_length(entries), 'most', 1000));
    end if;
end
$$;

comment on function internal.check_entries(jsonb, text) is 'Refuses a set of descriptions that is no array or too large.';
