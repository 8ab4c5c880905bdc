-- Adds a reason code or changes its description; active => false takes it out of use (the ledger keeps it). A code that stays as it is keeps its
-- version; expected_version is the one that it must have (0 = there is none yet). Errors: IV006 stale_version, IV007, IV008.
-- Locks the code. Idempotent by nature, and by idempotency_key. Security definer because only the owner writes tables.
create or replace function api.upsert_reason(code text, description text, active boolean default true, idempotency_key text default null,
    expected_version bigint default null)
returns setof api.reason_change
language plpgsql
volatile
security definer
rows 1
set search_path = ''
as $$
declare
    v_request constant jsonb := jsonb_build_object('code', code, 'description', description, 'active', active,
        'expected_version', expected_version);
    v_before bigint;
    v_row inventory.reason_code;
    v_answer jsonb;
begin
    perform internal.check_request(jsonb_build_object('idempotency_key', idempotency_key));
    perform internal.check_reason_form(code, description);
    v_answer := internal.find_answer('upsert_reason', idempotency_key, v_request);
    if v_answer is null then
        v_before := internal.write_reason(code, description, coalesce(active, true));
        select r.* into v_row from inventory.reason_code as r where r.code = upsert_reason.code;
        perform internal.expect_version(expected_version, coalesce(v_before, v_row.version), jsonb_build_object('reason_code', code));
        v_answer := internal.keep_answer('upsert_reason', idempotency_key, v_request, to_jsonb(v_row) || '{"replayed": false}');
    end if;
    return next jsonb_populate_record(null::api.reason_change, v_answer);
end
$$;

revoke execute on function api.upsert_reason(text, text, boolean, text, bigint) from public;
grant execute on function api.upsert_reason(text, text, boolean, text, bigint) to onhand_operator;
comment on function api.upsert_reason(text, text, boolean, text, bigint) is 'Adds a reason code or changes its description.';
