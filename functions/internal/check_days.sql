-- Refuses a number of days to look back on that is out of range. Errors: IV008. Null is left to the caller.
create or replace function internal.check_days(days integer)
returns void
language plpgsql
immutable
set search_path = ''
as $$
begin
    if days not between 1 and 730 then
        perform internal.raise_error('IV008', internal.problem('days', 'must be 1 to 730'));
    end if;
end
$$;

comment on function internal.check_days(integer) is 'Refuses a number of days to look back on that is out of range.';
