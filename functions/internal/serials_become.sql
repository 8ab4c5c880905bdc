-- Units as they will be after a change: status, place, what holds or held them.
create or replace function internal.serials_become(serials inventory.serial[], status text, location_id text, reservation_id uuid,
    transfer_id uuid)
returns inventory.serial[]
language sql
immutable
set search_path = ''
as $$
    select coalesce(array_agg(row(s.item_id, s.serial, serials_become.status, serials_become.location_id, s.lot_id,
        serials_become.reservation_id, serials_become.transfer_id, s.received_at, s.version, s.updated_at)::inventory.serial), '{}')
    from unnest(serials) as s
$$;

comment on function internal.serials_become(inventory.serial[], text, text, uuid, uuid) is 'Units as they will be after a change.';
