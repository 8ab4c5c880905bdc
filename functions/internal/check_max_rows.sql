-- Refuses a page that is empty or too large. Errors: IV008.
create or replace function internal.check_max_rows(max_rows integer)
returns void
language plpgsql
immutable
set search_path = ''
as $$
begin
    if max_rows is null or max_rows not between 1 and 1000 then
        perform internal.raise_error('IV008', internal.problem('max_rows', 'must be 1 to 1000'));
    end if;
end
$$;

comment on function internal.check_max_rows(integer) is 'Refuses a page that is empty or too large.';
