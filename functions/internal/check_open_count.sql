-- Refuses what a count cannot be opened with. Errors: IV008.
create or replace function internal.check_open_count(skus text[], abc_class text, max_lines integer)
returns void
language plpgsql
immutable
set search_path = ''
as $$
begin
    perform internal.check_abc_class(abc_class);
    if skus is not null and abc_class is not null then
        perform internal.raise_error('IV008', internal.problem('abc_class', 'does not go with skus: they are the choice'));
    elsif max_lines is null or max_lines not between 1 and 1000 then
        perform internal.raise_error('IV008', internal.problem('max_lines', 'must be 1 to 1000'));
    end if;
end
$$;

comment on function internal.check_open_count(text[], text, integer) is 'Refuses what a count cannot be opened with.';
