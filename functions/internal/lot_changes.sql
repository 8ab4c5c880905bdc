-- What a change of the level of an item does to its lots there. Which bucket units leave and which they enter follows from the deltas: what
-- leaves one and enters the other (quarantine, restore, expiry) stays the same lots.
create or replace function internal.lot_changes(change internal.tracked_change)
returns internal.lot_change[]
language plpgsql
volatile
set search_path = ''
as $$
begin
    if change.reserved > 0 then
        return array(
            select row(s.lot_id, 0, s.quantity, 0, 0)::internal.lot_change
            from unnest(internal.allocate_lots(change, 'free', 0, change.reserved)) as s);
    elsif change.reserved < 0 then
        -- Sold units are the first of the reservation, freed ones come after them.
        return array(
            select row(s.lot_id, -s.quantity, -s.quantity, 0, 0)::internal.lot_change
            from unnest(internal.allocate_lots(change, 'reservation', 0, -change.on_hand)) as s
            union all
            select row(s.lot_id, 0, -s.quantity, 0, 0)::internal.lot_change
            from unnest(internal.allocate_lots(change, 'reservation', -change.on_hand, change.on_hand - change.reserved)) as s);
    elsif change.on_hand < 0 then
        return array(
            select row(s.lot_id, -s.quantity, 0, case when change.damaged > 0 then s.quantity else 0 end, 0)::internal.lot_change
            from unnest(internal.allocate_lots(change, 'free', 0, -change.on_hand)) as s);
    elsif change.damaged < 0 then
        return array(
            select row(s.lot_id, case when change.on_hand > 0 then s.quantity else 0 end, 0, -s.quantity, 0)::internal.lot_change
            from unnest(internal.allocate_lots(change, 'damaged', 0, -change.damaged)) as s);
    elsif change.movement = 'transfer_loss' then
        return array(
            select row(s.lot_id, 0, 0, 0, s.quantity)::internal.lot_change
            from unnest(internal.allocate_lots(change, 'transfer', 0, -change.in_transit)) as s);
    end if;
    return internal.arriving_lots(change);
end
$$;

comment on function internal.lot_changes(internal.tracked_change) is 'What a change of a level does to the lots there.';
