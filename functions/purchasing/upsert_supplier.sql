-- Makes a supplier or changes it by its code; null keeps what it has (or gets the default of a new one, its code as its name). A supplier
-- that stays as it is keeps its version; expected_version is the one that it must have (0 = there is none yet).
-- Errors: IV006 stale_version, IV007, IV008 invalid_argument. Locks the supplier. Idempotent by nature, and by idempotency_key.
-- Security definer because only the owner writes tables.
create or replace function api.upsert_supplier(code text, name text default null, status text default null,
    contact jsonb default null, metadata jsonb default null, idempotency_key text default null, expected_version bigint default null)
returns setof api.supplier_change
language plpgsql
volatile
security definer
rows 1
set search_path = ''
as $$
declare
    v_request constant jsonb := jsonb_build_object('code', code, 'name', name, 'status', status, 'contact', contact,
        'metadata', metadata, 'expected_version', expected_version);
    v_problem constant jsonb := internal.check_supplier(code, name, status, contact, metadata);
    v_before bigint;
    v_row api.supplier_state;
    v_answer jsonb;
begin
    perform internal.check_request(jsonb_build_object('idempotency_key', idempotency_key));
    if v_problem is not null then
        perform internal.raise_error('IV008', v_problem);
    end if;
    v_answer := internal.find_answer('upsert_supplier', idempotency_key, v_request);
    if v_answer is null then
        v_before := internal.write_supplier(code, name, status, contact, metadata);
        select s.* into v_row from api.get_supplier(code) as s;
        perform internal.expect_version(expected_version, coalesce(v_before, v_row.version), jsonb_build_object('supplier', code));
        v_answer := internal.keep_answer('upsert_supplier', idempotency_key, v_request, to_jsonb(v_row) || '{"replayed": false}');
    end if;
    return next jsonb_populate_record(null::api.supplier_change, v_answer);
end
$$;

revoke execute on function api.upsert_supplier(text, text, text, jsonb, jsonb, text, bigint) from public;
grant execute on function api.upsert_supplier(text, text, text, jsonb, jsonb, text, bigint) to onhand_api, onhand_operator;
comment on function api.upsert_supplier(text, text, text, jsonb, jsonb, text, bigint) is 'Makes a supplier or changes it by its code.';
