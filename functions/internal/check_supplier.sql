-- The first thing wrong with the description of a supplier; null if nothing is.
create or replace function internal.check_supplier(code text, name text, status text, contact jsonb, metadata jsonb)
returns jsonb
language sql
immutable
set search_path = ''
as $$
    select case
        when code is null or code !~ '^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$'
            then internal.problem('code', 'must be 1 to 64 letters, digits, dots, dashes or underscores')
        when length(name) not between 1 and 500 then internal.problem('name', 'must be a text of 1 to 500 characters')
        when status not in ('active', 'archived') then internal.problem('status', 'must be active or archived')
        when jsonb_typeof(contact) <> 'object' then internal.problem('contact', 'must be an object')
        when jsonb_typeof(metadata) <> 'object' then internal.problem('metadata', 'must be an object')
    end
$$;

comment on function internal.check_supplier(text, text, text, jsonb, jsonb) is 'The first thing wrong with the description of a supplier.';
