-- Gives a new version to an item of which the definition (units, components) has changed. It is locked.
create or replace function internal.renew_item(id uuid)
returns void
language sql
volatile
set search_path = ''
as $$
    update inventory.item as i
    set version = greatest(i.version + 1, internal.version_floor()), updated_at = clock_timestamp()
    where i.id = renew_item.id
$$;

comment on function internal.renew_item(uuid) is 'Gives a new version to an item of which the definition has changed.';
