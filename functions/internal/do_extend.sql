-- Moves the deadline of a pending reservation. The levels get a ledger row each: until when they are held is something that readers see.
create or replace function internal.do_extend(command internal.command, instant timestamptz)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_row inventory.reservation := internal.lock_reservation(command, command.reservation_id, instant);
    v_line record;
    v_levels jsonb := '[]';
begin
    update inventory.reservation_line as l set expires_at = command.expires_at
    where l.reservation_id = v_row.id and internal.is_open(l.status);
    update inventory.reservation as r
    set expires_at = command.expires_at, version = greatest(r.version + 1, internal.version_floor()), updated_at = instant
    where r.id = v_row.id;
    for v_line in
        select l.item_id, l.location_id, l.quantity, l.backordered
        from inventory.reservation_line as l
        where l.reservation_id = v_row.id and internal.is_open(l.status)
        order by l.item_id, l.location_id
    loop
        v_levels := v_levels || (internal.change_level(command, v_line.item_id, v_line.location_id, 'extend',
            internal.make_deltas(), instant, v_row.id) || jsonb_build_object('quantity', v_line.quantity, 'waiting', v_line.backordered));
    end loop;
    return jsonb_build_object('reservation_id', v_row.id, 'status', 'PENDING', 'expires_at', command.expires_at, 'levels', v_levels);
end
$$;

comment on function internal.do_extend(internal.command, timestamptz) is 'Moves the deadline of a pending reservation.';
