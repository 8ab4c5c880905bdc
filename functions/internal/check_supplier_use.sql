-- Refuses to order from a supplier that does not exist (IV028) or is archived (IV008).
create or replace function internal.check_supplier_use(code text)
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
    perform internal.supplier_code_of(code);
    if exists (select from inventory.supplier as s where s.code = check_supplier_use.code and s.status = 'archived') then
        perform internal.raise_error('IV008', internal.problem('supplier', 'is archived: set its status to active first'));
    end if;
end
$$;

comment on function internal.check_supplier_use(text) is 'Refuses to order from a supplier that does not exist or is archived.';
