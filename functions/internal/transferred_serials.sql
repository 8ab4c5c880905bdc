-- What the steps of a transfer after the first do to its units: on the way to the other place, arrived there sellable or damaged, lost, back
-- where they came from. And what left by the step before this one (a move) lies here now.
create or replace function internal.transferred_serials(change internal.tracked_change)
returns inventory.serial[]
language plpgsql
stable
set search_path = ''
as $$
declare
    v_units inventory.serial[];
begin
    if change.movement = 'transfer_in' then
        v_units := array(
            select s
            from inventory.serial_movement as m
            join inventory.serial as s on s.item_id = m.item_id and s.serial = m.serial
            where m.item_id = change.item_id and m.location_id = change.line ->> 'from_location'
                and m.version = (change.line -> 'from_version')::bigint);
        return internal.serials_become(v_units, 'in_stock', change.location_id, null, null);
    elsif change.movement = 'dispatch' then
        return internal.serials_become(internal.transfer_units(change, change.in_transit), 'in_transit', change.location_id, null,
            change.transfer_id);
    elsif change.movement = 'transfer_loss' then
        return internal.serials_become(internal.transfer_units(change, -change.in_transit), 'removed', null, null, null);
    end if;
    v_units := internal.transfer_units(change, change.on_hand + change.damaged);
    return internal.serials_become(v_units[: change.on_hand], 'in_stock', change.location_id, null, null)
        || internal.serials_become(v_units[change.on_hand + 1 :], 'damaged', change.location_id, null, null);
end
$$;

comment on function internal.transferred_serials(internal.tracked_change) is 'What the later steps of a transfer or move do to its units.';
