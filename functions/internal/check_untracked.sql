-- Refuses a line that names a lot or serial numbers of an item that is not tracked. Errors: IV023.
create or replace function internal.check_untracked(item inventory.item, line jsonb)
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
    if item.tracking = 'none' and line ?| '{lot,lot_expires_at,serials}' then
        perform internal.raise_error('IV023', jsonb_build_object('sku', item.sku, 'location', line -> 'location')
            || internal.problem('lot, serials', 'the item has neither'));
    end if;
end
$$;

comment on function internal.check_untracked(inventory.item, jsonb) is 'Refuses a line that names a lot or serial numbers of an item that is not tracked.';
