-- Adds a reason code or changes its description; active => false takes it out of use (the ledger keeps it). Errors: IV008.
-- Idempotent by nature. Security definer because only the owner writes tables.
create or replace function api.upsert_reason(code text, description text, active boolean default true)
returns table (code text, description text, active boolean)
language sql
volatile
security definer
rows 1
set search_path = ''
as $$
    select internal.check_reason_form(upsert_reason.code, upsert_reason.description);
    insert into inventory.reason_code as r (code, description, active)
    values (upsert_reason.code, upsert_reason.description, coalesce(upsert_reason.active, true))
    on conflict on constraint reason_code_pkey do update set description = excluded.description, active = excluded.active
    returning r.code, r.description, r.active
$$;

revoke execute on function api.upsert_reason(text, text, boolean) from public;
grant execute on function api.upsert_reason(text, text, boolean) to onhand_operator;
comment on function api.upsert_reason(text, text, boolean) is 'Adds a reason code or changes its description.';
