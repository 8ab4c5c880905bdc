-- Changes the balances of lots at one place; makes those of lots that lie there for the first time. The constraints refuse what would
-- go below zero.
create or replace function internal.write_lot_levels(change internal.tracked_change, changes internal.lot_change[])
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
    insert into inventory.lot_level (item_id, location_id, lot_id, ends_at, version)
    select change.item_id, change.location_id, c.lot_id, least(l.expires_at, l.recalled_at), change.version
    from unnest(changes) as c
    join inventory.lot as l on l.id = c.lot_id
    where c.on_hand > 0 or c.damaged > 0
    on conflict (item_id, location_id, lot_id) do nothing;
    update inventory.lot_level as v
    set on_hand = v.on_hand + c.on_hand, reserved = v.reserved + c.reserved, damaged = v.damaged + c.damaged, version = change.version
    from unnest(changes) as c
    where v.item_id = change.item_id and v.location_id = change.location_id and v.lot_id = c.lot_id
        and (c.on_hand, c.reserved, c.damaged) <> (0, 0, 0);
end
$$;

comment on function internal.write_lot_levels(internal.tracked_change, internal.lot_change[]) is 'Changes the balances of lots at one place.';
