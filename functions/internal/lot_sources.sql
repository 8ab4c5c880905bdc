-- What there is to take from, by lot: free = on the shelf and not held, damaged, reservation = what the reservation of the change holds,
-- transfer = what its transfer still has on the way, moved = what left the other place by the step before this one.
create or replace function internal.lot_sources(change internal.tracked_change, source text)
returns setof internal.lot_share
language plpgsql
stable
rows 5
set search_path = ''
as $$
begin
    case source
        when 'free', 'damaged' then
            return query
            select l.lot_id, case source when 'free' then l.on_hand - l.reserved else l.damaged end
            from inventory.lot_level as l
            where l.item_id = change.item_id and l.location_id = change.location_id;
        when 'reservation' then
            return query
            select r.lot_id, r.quantity
            from inventory.reservation_lot as r
            where r.reservation_id = change.reservation_id and r.item_id = change.item_id and r.location_id = change.location_id;
        when 'transfer' then
            return query
            select t.lot_id, t.shipped - t.received - t.damaged - t.lost - t.returned
            from inventory.transfer_lot as t
            where t.transfer_id = change.transfer_id and t.item_id = change.item_id;
        when 'moved' then
            return query
            select m.lot_id, -m.on_hand_delta
            from inventory.lot_movement as m
            where m.item_id = change.item_id and m.location_id = change.line ->> 'from_location'
                and m.version = (change.line -> 'from_version')::bigint;
    end case;
end
$$;

comment on function internal.lot_sources(internal.tracked_change, text) is 'What there is to take from, by lot.';
