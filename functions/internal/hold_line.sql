-- Holds a quantity on one key for a reservation whose header exists: the line, the level, the ledger row. Returns the level, or null where a
-- partial command finds nothing there; waiting is what of the quantity has to wait. Adds to a line that the reservation has on the key already.
-- Errors: IV001, IV012, those of internal.change_level.
create or replace function internal.hold_line(command internal.command, reservation_id uuid, expires_at timestamptz, item_id uuid,
    location_id text, wanted bigint, line jsonb, instant timestamptz)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_level constant inventory.stock_level := internal.level_or_empty(item_id, location_id, instant);
    v_sku constant text := (select i.sku from inventory.item as i where i.id = hold_line.item_id);
    v_take constant record := internal.take_from_level(v_level, v_sku, wanted,
        coalesce((command.body -> 'partial')::boolean, false));
begin
    if v_take.taken + v_take.waiting = 0 then
        return null;
    elsif v_take.taken + v_take.waiting + coalesce((
            select l.quantity from inventory.reservation_line as l
            where l.reservation_id = hold_line.reservation_id and l.item_id = hold_line.item_id
                and l.location_id = hold_line.location_id), 0) > 1000000000000 then
        perform internal.raise_error('IV012', jsonb_build_object('sku', v_sku, 'location', location_id, 'requested', wanted));
    end if;
    insert into inventory.reservation_line as l (reservation_id, item_id, location_id, quantity, expires_at, backordered,
        waiting_since)
    values (reservation_id, item_id, location_id, v_take.taken + v_take.waiting, expires_at, v_take.waiting,
        case when v_take.waiting > 0 then instant end)
    on conflict on constraint reservation_line_pkey do update
    set quantity = l.quantity + excluded.quantity, backordered = l.backordered + excluded.backordered,
        -- What waits here already keeps its turn; a turn that was served is over.
        waiting_since = case when l.backordered > 0 then l.waiting_since else excluded.waiting_since end;
    return internal.change_level(command, item_id, location_id, 'reserve',
        internal.make_deltas(reserved => v_take.taken, backordered => v_take.waiting), instant, reservation_id, line => line)
        || jsonb_build_object('quantity', v_take.taken + v_take.waiting, 'waiting', v_take.waiting);
end
$$;

comment on function internal.hold_line(internal.command, uuid, timestamptz, uuid, text, bigint, jsonb, timestamptz) is 'Holds a quantity on one key for a reservation.';
