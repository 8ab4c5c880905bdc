-- Refuses an ABC class that is none. Errors: IV008. Null is left to the caller.
create or replace function internal.check_abc_class(abc_class text)
returns void
language plpgsql
immutable
set search_path = ''
as $$
begin
    if abc_class not in ('A', 'B', 'C') then
        perform internal.raise_error('IV008', internal.problem('abc_class', 'must be A, B or C'));
    end if;
end
$$;

comment on function internal.check_abc_class(text) is 'Refuses an ABC class that is none.';
