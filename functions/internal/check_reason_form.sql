-- Refuses a reason code that is malformed or says nothing. Errors: IV008.
create or replace function internal.check_reason_form(code text, description text)
returns void
language plpgsql
immutable
set search_path = ''
as $$
begin
    if coalesce(code !~ '^[a-z][a-z0-9_]{0,39}$', true) then
        perform internal.raise_error('IV008',
            internal.problem('code', 'must be 1 to 40 small letters, digits or underscores, the first a letter'));
    elsif coalesce(length(description) not between 1 and 200, true) then
        perform internal.raise_error('IV008', internal.problem('description', 'must be a text of 1 to 200 characters'));
    end if;
end
$$;

comment on function internal.check_reason_form(text, text) is 'Refuses a reason code that is malformed or says nothing.';
