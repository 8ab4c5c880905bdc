-- Writes a reason code; one that stays as it is is not touched. Answers the version that it had before (0 = it was made), null if it was not touched.
create or replace function internal.write_reason(code text, description text, active boolean)
returns bigint
language sql
volatile
set search_path = ''
as $$
    insert into inventory.reason_code as r (code, description, active, version)
    values (write_reason.code, write_reason.description, write_reason.active, greatest(1, internal.version_floor()))
    on conflict on constraint reason_code_pkey do update
    set description = excluded.description, active = excluded.active, version = greatest(r.version + 1, internal.version_floor())
    where (r.description, r.active) is distinct from (excluded.description, excluded.active)
    returning coalesce(old.version, 0)
$$;

comment on function internal.write_reason(text, text, boolean) is 'Writes a reason code.';
