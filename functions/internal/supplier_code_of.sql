-- The code of the supplier with this code. Errors: IV028 if there is none, IV008 for null.
create or replace function internal.supplier_code_of(code text)
returns text
language plpgsql
stable
set search_path = ''
as $$
begin
    if code is null then
        perform internal.raise_error('IV008', internal.problem('supplier', 'is required'));
    elsif not exists (select from inventory.supplier as s where s.code = supplier_code_of.code) then
        perform internal.raise_error('IV028', jsonb_build_object('supplier', code));
    end if;
    return code;
end
$$;

comment on function internal.supplier_code_of(text) is 'The code of the supplier with this code.';
