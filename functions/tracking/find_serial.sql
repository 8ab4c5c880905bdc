-- A serial number: where it is now (the same on each row), and its history, newest first. Unknown item or serial number: no rows.
-- Locks nothing. Security definer because readers of api have no right on the tables.
create or replace function api.find_serial(sku text, serial text)
returns setof api.serial_event
language sql
stable
security definer
rows 5
set search_path = ''
as $$
    select i.sku, s.serial, s.status, s.location_id, l.code, m.recorded_at, k.type, m.status, m.location_id, m.reservation_id,
        m.transfer_id, k.reference, k.reason, k.user_id, m.version
    from inventory.item as i
    join inventory.serial as s on s.item_id = i.id
    left join inventory.lot as l on l.id = s.lot_id
    join inventory.serial_movement as m on m.item_id = s.item_id and m.serial = s.serial
    left join inventory.stock_movement as k
        on k.item_id = m.item_id and k.location_id = m.location_id and k.version = m.version and k.recorded_at = m.recorded_at
    where i.sku = find_serial.sku and s.serial = find_serial.serial
    order by m.serial_version desc
$$;

revoke execute on function api.find_serial(text, text) from public;
grant execute on function api.find_serial(text, text) to onhand_api, onhand_reader;
comment on function api.find_serial(text, text) is 'Where a serial number is, and its history, newest first.';
