-- Changes one stock_level by the given deltas and writes its ledger row; the step that every special operation consists of.
-- Locks the row (its caller has locked it in key order already); makes it if it is missing.
-- Raises IV001 if a state would go below what it may, IV012 beyond 10^12 (of units with lots or serial numbers also on_hand and damaged together, since
-- a lot that ends goes from one to the other, whatever is there already), 40001 if another session made the missing row first, or changed what its
-- item is.
-- line: the line of the command this is for, handed to the tracking of lots and serial numbers.
create or replace function internal.change_level(command internal.command, item_id uuid, location_id text, movement text,
    deltas internal.deltas, instant timestamptz, reservation_id uuid default null, transfer_id uuid default null,
    detail jsonb default null, line jsonb default null)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_before inventory.stock_level := internal.level_or_empty(item_id, location_id, instant);
    v_after inventory.stock_level;
    v_item record;
begin
    select i.sku, i.tracking into strict v_item from inventory.item as i where i.id = change_level.item_id;
    v_after := internal.add_deltas(v_before, deltas);
    perform internal.check_level(v_before, v_after, v_item.sku);
    v_after.version := greatest(v_before.version + 1, internal.version_floor());
    v_after.last_movement_at := instant;
    if v_item.tracking <> 'none' then
        if v_after.on_hand + v_after.damaged > greatest(v_before.on_hand + v_before.damaged, 1000000000000) then
            perform internal.raise_error('IV012', jsonb_build_object('sku', v_item.sku, 'location', location_id));
        end if;
        perform internal.track_change(command, item_id, location_id, movement, deltas, reservation_id, v_after.version,
            coalesce(line, command.body), instant);
    end if;
    v_after.next_hold_at := internal.next_deadline(item_id, location_id, v_item.tracking);
    perform internal.store_level(v_after, v_before.version = 0);
    if v_before.version = 0 and not exists (
        select from inventory.item as i
        where i.id = change_level.item_id and i.tracking = v_item.tracking and i.kind <> 'bundle'
            and (i.kind = 'digital') = (v_after.policy = 'unlimited'))
    then
        -- The row waited for whoever had locked the item (internal.lock_retyped).
        raise exception 'the kind or the tracking of an item has just changed' using errcode = '40001';
    end if;
    insert into inventory.stock_movement (item_id, location_id, version, type, on_hand_delta, reserved_delta, in_transit_delta,
        backordered_delta, damaged_delta, incoming_delta, on_hand, reserved, in_transit, backordered, damaged, incoming, available,
        reason, reason_code, reference, reservation_id, transfer_id, correlation_id, user_id, source, occurred_at, recorded_at,
        traceparent, detail)
    values (item_id, location_id, v_after.version, movement, coalesce(deltas.on_hand, 0), coalesce(deltas.reserved, 0),
        coalesce(deltas.in_transit, 0), coalesce(deltas.backordered, 0), coalesce(deltas.damaged, 0), coalesce(deltas.incoming, 0),
        v_after.on_hand, v_after.reserved, v_after.in_transit, v_after.backordered, v_after.damaged, v_after.incoming,
        v_after.available, command.reason, command.body ->> 'reason_code', command.reference, reservation_id, transfer_id,
        command.correlation_id, command.user_id, coalesce(command.source, 'onhand'), coalesce(command.occurred_at, instant), instant,
        command.traceparent, detail);
    return internal.level_json(v_after, v_item.sku) || jsonb_build_object('type', movement, 'quantity', internal.moved(deltas));
end
$$;

comment on function internal.change_level(internal.command, uuid, text, text, internal.deltas, timestamptz, uuid, uuid, jsonb, jsonb) is 'Changes one stock_level by deltas and writes its ledger row.';
