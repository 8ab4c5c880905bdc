-- The units that a change of the level of an item touches, as they will be after it.
create or replace function internal.serial_changes(change internal.tracked_change)
returns inventory.serial[]
language plpgsql
volatile
set search_path = ''
as $$
begin
    if change.reserved <> 0 then
        return internal.reserved_serials(change);
    elsif change.movement in ('dispatch', 'transfer_loss') or change.line ? 'from_version' then
        return internal.transferred_serials(change);
    elsif change.on_hand < 0 or change.damaged < 0 then
        return internal.leaving_serials(change);
    elsif change.on_hand = 0 and change.damaged = 0 then
        return '{}';
    elsif change.movement in ('receive', 'transfer_cancel') then
        return internal.transferred_serials(change);
    end if;
    return internal.arriving_serials(change);
end
$$;

comment on function internal.serial_changes(internal.tracked_change) is 'The units that a change of a level touches, as they will be.';
