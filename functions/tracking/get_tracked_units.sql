-- Which units a movement touched: so many of each lot, or each by its serial number. What to pick for a reservation, or to load for a transfer,
-- is what the movement with the version in its answer touched. Unknown or untracked: no rows. Locks nothing.
-- Security definer because readers of api have no right on the tables.
create or replace function api.get_tracked_units(sku text, location text, version bigint)
returns setof api.tracked_unit
language sql
stable
security definer
rows 5
set search_path = ''
as $$
    select i.sku, m.location_id, m.version, l.code, null, greatest(abs(m.on_hand_delta), abs(m.reserved_delta), abs(m.damaged_delta)), null
    from inventory.item as i
    join inventory.lot_movement as m on m.item_id = i.id
    join inventory.lot as l on l.id = m.lot_id
    where i.sku = get_tracked_units.sku and i.tracking = 'lot' and m.location_id = get_tracked_units.location
        and m.version = get_tracked_units.version
    union all
    select i.sku, m.location_id, m.version, l.code, m.serial, 1, m.status
    from inventory.item as i
    join inventory.serial_movement as m on m.item_id = i.id
    left join inventory.lot as l on l.id = m.lot_id
    where i.sku = get_tracked_units.sku and m.location_id = get_tracked_units.location and m.version = get_tracked_units.version
    order by 4, 5
$$;

revoke execute on function api.get_tracked_units(text, text, bigint) from public;
grant execute on function api.get_tracked_units(text, text, bigint) to onhand_api, onhand_reader;
comment on function api.get_tracked_units(text, text, bigint) is 'Which lots or serial numbers a movement touched.';
