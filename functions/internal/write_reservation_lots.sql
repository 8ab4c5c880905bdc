-- Keeps what a reservation holds of each lot and what was sold by it; a lot that it neither holds nor sold is forgotten.
create or replace function internal.write_reservation_lots(change internal.tracked_change, changes internal.lot_change[])
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
    insert into inventory.reservation_lot (reservation_id, item_id, location_id, lot_id)
    select change.reservation_id, change.item_id, change.location_id, c.lot_id
    from unnest(changes) as c
    on conflict (reservation_id, item_id, location_id, lot_id) do nothing;
    update inventory.reservation_lot as r
    set quantity = r.quantity + c.reserved,
        confirmed = r.confirmed + case change.movement when 'commit' then -c.on_hand else 0 end
    from unnest(changes) as c
    where r.reservation_id = change.reservation_id and r.item_id = change.item_id and r.location_id = change.location_id
        and r.lot_id = c.lot_id;
    delete from inventory.reservation_lot as r
    where r.reservation_id = change.reservation_id and r.item_id = change.item_id and r.location_id = change.location_id
        and r.quantity = 0 and r.confirmed = 0;
end
$$;

comment on function internal.write_reservation_lots(internal.tracked_change, internal.lot_change[]) is 'Keeps what a reservation holds and sold of each lot.';
