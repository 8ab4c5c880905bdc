-- Writes one accepted line to its level, the ledger and, for a reserve, the reservation; returns the answer.
-- The same as internal.write_levels, write_movements, open_reservations and answer_commands, for one line.
create or replace function internal.write_single(command internal.command, line internal.line, level internal.level,
    instant timestamptz)
returns internal.answer
language plpgsql
volatile
as $$
declare
    v_available constant bigint := line.on_hand - line.reserved;
    v_status constant text := internal.stock_status(v_available, level.threshold);
    v_reserves constant boolean := command.op = 'reserve';
    v_answer jsonb;
begin
    update inventory.stock_level as s
    set on_hand = line.on_hand, reserved = line.reserved, available = v_available, status = v_status, version = line.version,
        last_movement_at = instant,
        next_hold_at = case when v_reserves then least(s.next_hold_at, command.expires_at) else s.next_hold_at end
    where s.item_id = line.item_id and s.location_id = line.location_id;
    insert into inventory.stock_movement (item_id, location_id, version, type, on_hand_delta, reserved_delta, on_hand, reserved,
        in_transit, backordered, damaged, incoming, available, reason, reason_code, reference, reservation_id, correlation_id, user_id, source,
        occurred_at, recorded_at, traceparent)
    values (line.item_id, line.location_id, line.version, line.movement, line.on_hand_delta, line.reserved_delta, line.on_hand,
        line.reserved, level.in_transit, level.backordered, level.damaged, level.incoming, v_available, command.reason,
        command.body ->> 'reason_code', command.reference,
        case when v_reserves then command.reservation_id end, command.correlation_id, command.user_id, command.source,
        coalesce(command.occurred_at, instant), instant, command.traceparent);
    v_answer := jsonb_build_object('levels', jsonb_build_array(jsonb_build_object(
        'sku', line.sku, 'item_id', line.item_id, 'location', line.location_id, 'quantity', line.quantity,
        'on_hand', line.on_hand, 'reserved', line.reserved, 'available', v_available, 'status', v_status,
        'version', line.version)));
    if v_reserves then
        insert into inventory.reservation (id, owner, expires_at, reference, version, created_at, updated_at)
        values (command.reservation_id, command.owner, command.expires_at, command.reference,
            greatest(1, internal.version_floor()), instant, instant);
        insert into inventory.reservation_line (reservation_id, item_id, location_id, quantity, expires_at)
        values (command.reservation_id, line.item_id, line.location_id, line.quantity, command.expires_at);
        v_answer := v_answer || jsonb_build_object(
            'reservation_id', command.reservation_id, 'status', 'PENDING', 'expires_at', command.expires_at);
    end if;
    return row(command.ordinal, 'applied', null, null, command.detail, v_answer)::internal.answer;
end
$$;

comment on function internal.write_single(internal.command, internal.line, internal.level, timestamptz) is 'Writes one accepted line and returns the answer.';
