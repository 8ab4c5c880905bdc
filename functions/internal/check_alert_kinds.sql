-- Refuses a kind of alert that there is not. Errors: IV008.
create or replace function internal.check_alert_kinds(field text, kinds text[], allowed text[])
returns void
language plpgsql
immutable
set search_path = ''
as $$
begin
    if array_ndims(kinds) > 1 or array_position(kinds, null) is not null or not kinds <@ allowed then
        perform internal.raise_error('IV008', internal.problem(field, 'must be of ' || array_to_string(allowed, ', ')));
    end if;
end
$$;

comment on function internal.check_alert_kinds(text, text[], text[]) is 'Refuses a kind of alert that there is not.';
