-- Makes a supplier or changes it by its code; null keeps what it has (or gets the default of a new one, its code as its name). A supplier
-- that stays as it is keeps its version. Errors: IV008 invalid_argument. Locks the supplier. Idempotent by nature.
-- Security definer because only the owner writes tables.
create or replace function api.upsert_supplier(code text, name text default null, status text default null,
    contact jsonb default null, metadata jsonb default null)
returns setof api.supplier_state
language plpgsql
volatile
security definer
rows 1
set search_path = ''
as $$
declare
    v_problem constant jsonb := internal.check_supplier(code, name, status, contact, metadata);
begin
    if v_problem is not null then
        perform internal.raise_error('IV008', v_problem);
    end if;
    perform internal.write_supplier(code, name, status, contact, metadata);
    return query select * from api.get_supplier(code);
end
$$;

revoke execute on function api.upsert_supplier(text, text, text, jsonb, jsonb) from public;
grant execute on function api.upsert_supplier(text, text, text, jsonb, jsonb) to onhand_api, onhand_operator;
comment on function api.upsert_supplier(text, text, text, jsonb, jsonb) is 'Makes a supplier or changes it by its code.';
