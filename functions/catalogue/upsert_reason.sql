-- Adds a reason code or changes its description; active => false takes it out of use (the ledger keeps it). Errors: IV008.
-- Idempotent by nature. Security definer because only the owner writes tables.
create or replace function api.upsert_reason(code text, description text, active boolean default true)
returns table (code text, description text, active boolean)
language plpgsql
volatile
security definer
rows 1
set search_path = ''
as $$
#variable_conflict use_column
begin
    if coalesce(upsert_reason.code !~ '^[a-z][a-z0-9_]{0,39}$', true) then
        perform internal.raise_error('IV008', internal.problem('code', 'must be 1 to 40 small letters, digits or underscores'));
    elsif coalesce(length(upsert_reason.description) not between 1 and 200, true) then
        perform internal.raise_error('IV008', internal.problem('description', 'must be a text of 1 to 200 characters'));
    end if;
    return query
    insert into inventory.reason_code as r (code, description, active)
    values (upsert_reason.code, upsert_reason.description, coalesce(upsert_reason.active, true))
    on conflict on constraint reason_code_pkey do update set description = excluded.description, active = excluded.active
    returning r.code, r.description, r.active;
end
$$;

revoke execute on function api.upsert_reason(text, text, boolean) from public;
grant execute on function api.upsert_reason(text, text, boolean) to onhand_operator;
comment on function api.upsert_reason(text, text, boolean) is 'Adds a reason code or changes its description.';
