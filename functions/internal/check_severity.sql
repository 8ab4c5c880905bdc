-- Refuses a severity that there is not. Errors: IV008.
create or replace function internal.check_severity(field text, severity text)
returns void
language plpgsql
immutable
set search_path = ''
as $$
begin
    if internal.severity_rank(severity) is null and severity is not null then
        perform internal.raise_error('IV008', internal.problem(field, 'must be info, warning or critical'));
    end if;
end
$$;

comment on function internal.check_severity(text, text) is 'Refuses a severity that there is not.';
