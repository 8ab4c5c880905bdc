-- Everything a lot has got to. kind says what a row is: stock (where the rest lies: sellable, reserved, damaged), reservation (who holds it), sale
-- (confirmed reservations), transfer (in_transit, received, damaged, lost, returned), then the newest movements that touched it, by their type.
-- Errors: IV003 unknown_item, IV008 if max_movements is not 0 to 10000, IV021 unknown_lot: a misspelt recall must not look like an empty one.
-- Locks nothing. Security definer because readers of api have no right on the tables.
create or replace function api.trace_lot(sku text, lot text, max_movements integer default 1000)
returns setof api.lot_trace
language plpgsql
stable
security definer
rows 100
set search_path = ''
as $$
declare
    v_lot constant inventory.lot := internal.lot_named(internal.item_id_of(sku), sku, lot);
begin
    if max_movements is null or max_movements not between 0 and 10000 then
        perform internal.raise_error('IV008', internal.problem('max_movements', 'must be 0 to 10000'));
    end if;
    return query
    select trace_lot.sku, v_lot.code, t.kind, t.location, t.quantity, t.status, t.reservation_id, t.transfer_id, t.owner, t.reference,
        t.reason, t.version, t.at
    from internal.trace_rows(v_lot) as t
    order by array_position('{stock,reservation,sale,transfer}', t.kind), t.at desc, t.location, t.status;
    return query
    select trace_lot.sku, v_lot.code, 'movement', m.location_id,
        greatest(abs(m.on_hand_delta), abs(m.reserved_delta), abs(m.damaged_delta)), s.type, s.reservation_id, s.transfer_id,
        null::text, s.reference, s.reason, m.version, m.recorded_at
    from inventory.lot_movement as m
    left join inventory.stock_movement as s
        on s.item_id = m.item_id and s.location_id = m.location_id and s.version = m.version and s.recorded_at = m.recorded_at
    where m.lot_id = v_lot.id
    order by m.recorded_at desc, m.version desc, m.location_id
    limit max_movements;
end
$$;

revoke execute on function api.trace_lot(text, text, integer) from public;
grant execute on function api.trace_lot(text, text, integer) to onhand_api, onhand_reader;
comment on function api.trace_lot(text, text, integer) is 'Everything a lot has got to: stock, reservations, sales, transfers, movements.';
