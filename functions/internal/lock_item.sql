-- Locks an item whose definition (units, components) is to be written, if it has the version that was expected (null: any). Errors: IV006 stale_version.
create or replace function internal.lock_item(id uuid, expected bigint)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_item inventory.item;
begin
    select i.* into v_item from inventory.item as i where i.id = lock_item.id for no key update of i;
    perform internal.expect_version(expected, v_item.version, jsonb_build_object('sku', v_item.sku));
end
$$;

comment on function internal.lock_item(uuid, bigint) is 'Locks an item whose definition is to be written.';
