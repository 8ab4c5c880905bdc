-- Ends a pending reservation line: confirmed units leave the shelf, the rest of what it held is free again, its backorder is forgotten.
-- Returns the levels, one for each ledger row.
create or replace function internal.free_line(command internal.command, line inventory.reservation_line, status text,
    confirmed bigint, movement text, tracked jsonb, instant timestamptz)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_rest constant bigint := line.quantity - line.backordered - confirmed;
    v_levels jsonb := '[]';
begin
    update inventory.reservation_line as l
    set status = free_line.status, confirmed = free_line.confirmed, backordered = 0
    where l.reservation_id = line.reservation_id and l.item_id = line.item_id and l.location_id = line.location_id;
    if confirmed > 0 then
        v_levels := v_levels || internal.change_level(command, line.item_id, line.location_id, 'commit',
            internal.make_deltas(on_hand => -confirmed, reserved => -confirmed), instant, line.reservation_id,
            detail => internal.tracked_detail(tracked), line => tracked);
    end if;
    if v_rest > 0 or line.backordered > 0 then
        v_levels := v_levels || internal.change_level(command, line.item_id, line.location_id, movement,
            internal.make_deltas(reserved => -v_rest, backordered => -line.backordered), instant, line.reservation_id,
            line => tracked);
    end if;
    return v_levels;
end
$$;

comment on function internal.free_line(internal.command, inventory.reservation_line, text, bigint, text, jsonb, timestamptz) is 'Ends a pending reservation line.';
