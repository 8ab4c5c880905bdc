-- Does to the lots or serial numbers of an item what a change does to its level; called by internal.change_level for every change of a row of a
-- tracked item, in the same savepoint. version is that of the row after it; line is what the command says about the key:
-- lot, lot_expires_at, serials; from_location and from_version for what a move brings in, transfer_id for the steps of a transfer.
-- Errors: IV001, IV008, IV021 unknown_lot, IV022 lot_not_sellable, IV023 tracking_mismatch, IV024 serial_exists, IV025 unknown_serial.
create or replace function internal.track_change(command internal.command, item_id uuid, location_id text, movement text,
    deltas internal.deltas, reservation_id uuid, version bigint, line jsonb, instant timestamptz)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_change internal.tracked_change;
begin
    select i.sku, i.tracking into strict v_change.sku, v_change.tracking from inventory.item as i where i.id = track_change.item_id;
    v_change.item_id := item_id;
    v_change.location_id := location_id;
    v_change.movement := movement;
    v_change.on_hand := coalesce(deltas.on_hand, 0);
    v_change.reserved := coalesce(deltas.reserved, 0);
    v_change.in_transit := coalesce(deltas.in_transit, 0);
    v_change.damaged := coalesce(deltas.damaged, 0);
    v_change.reservation_id := reservation_id;
    v_change.transfer_id := line ->> 'transfer_id';
    v_change.version := version;
    v_change.line := coalesce(line, '{}');
    v_change.instant := instant;
    if (v_change.on_hand, v_change.reserved, v_change.in_transit, v_change.damaged) = (0, 0, 0, 0) then
        return;
    end if;
    perform internal.check_tracked_line(v_change);
    if v_change.tracking = 'serial' then
        perform internal.write_serials(v_change, internal.serial_changes(v_change));
    elsif (v_change.on_hand, v_change.reserved, v_change.damaged) <> (0, 0, 0) or movement = 'transfer_loss' then
        perform internal.write_lot_changes(v_change, internal.lot_changes(v_change));
    end if;
end
$$;

comment on function internal.track_change(internal.command, uuid, text, text, internal.deltas, uuid, bigint, jsonb, timestamptz) is 'Does to lots or serial numbers what a change does to their level.';
