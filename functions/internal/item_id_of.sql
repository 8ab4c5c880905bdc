-- The id of the item with this sku. Errors: IV003 if there is none, IV008 for null.
create or replace function internal.item_id_of(sku text)
returns uuid
language plpgsql
stable
set search_path = ''
as $$
declare
    v_id uuid;
begin
    if sku is null then
        perform internal.raise_error('IV008', internal.problem('sku', 'is required'));
    end if;
    select t.id into v_id from inventory.item as t where t.sku = item_id_of.sku;
    if v_id is null then
        perform internal.raise_error('IV003', jsonb_build_object('sku', sku));
    end if;
    return v_id;
end
$$;

comment on function internal.item_id_of(text) is 'The id of the item with this sku.';
