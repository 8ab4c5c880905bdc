-- The lot of an item with this code. Errors: IV021 unknown_lot.
create or replace function internal.lot_named(item_id uuid, sku text, code text)
returns inventory.lot
language plpgsql
stable
set search_path = ''
as $$
declare
    v_lot inventory.lot;
begin
    select l.* into v_lot from inventory.lot as l where l.item_id = lot_named.item_id and l.code = lot_named.code;
    if not found then
        perform internal.raise_error('IV021', jsonb_build_object('sku', sku, 'lot', code));
    end if;
    return v_lot;
end
$$;

comment on function internal.lot_named(uuid, text, text) is 'The lot of an item with this code.';
