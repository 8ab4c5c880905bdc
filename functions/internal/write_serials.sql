-- Writes what becomes of units, their history, and what that does to the lots that some belong to.
create or replace function internal.write_serials(change internal.tracked_change, units inventory.serial[])
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_before constant inventory.serial[] := array(
        select s
        from unnest(units) as u
        join inventory.serial as s on s.item_id = u.item_id and s.serial = u.serial);
begin
    with changed as (
        update inventory.serial as s
        set status = u.status, location_id = u.location_id, lot_id = u.lot_id, reservation_id = u.reservation_id,
            transfer_id = u.transfer_id, received_at = u.received_at, version = greatest(s.version + 1, internal.version_floor()),
            updated_at = change.instant
        from unnest(units) as u
        where s.item_id = u.item_id and s.serial = u.serial
        returning s.*
    )
    insert into inventory.serial_movement (item_id, serial, serial_version, location_id, version, status, lot_id, reservation_id,
        transfer_id, recorded_at)
    select c.item_id, c.serial, c.version, change.location_id, change.version, c.status, c.lot_id,
        change.reservation_id, change.transfer_id, change.instant
    from changed as c;
    perform internal.write_lot_changes(change, internal.serial_lot_changes(change, v_before, units));
end
$$;

comment on function internal.write_serials(internal.tracked_change, inventory.serial[]) is 'Writes what becomes of units.';
