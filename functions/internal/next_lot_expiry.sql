-- The first instant at which a lot of which something is free at a place is not sellable any more; null if none ends. May lie in the past: what came
-- in of a lot that had ended is due at once.
create or replace function internal.next_lot_expiry(item_id uuid, location_id text)
returns timestamptz
language sql
stable
set search_path = ''
as $$
    select min(l.ends_at)
    from inventory.lot_level as l
    where l.item_id = next_lot_expiry.item_id and l.location_id = next_lot_expiry.location_id and l.on_hand > l.reserved
$$;

comment on function internal.next_lot_expiry(uuid, text) is 'The first instant at which a lot that is free at a place ends.';
