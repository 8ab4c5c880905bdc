-- Moves what a pending reservation holds at one location (or everywhere) to another: freed there, held here, in one step. Errors: IV001 if the
-- new place is short, IV003 if the reservation holds nothing of that kind, IV004, IV011.
create or replace function internal.do_relocate(command internal.command, instant timestamptz)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_row inventory.reservation := internal.lock_reservation(command, command.reservation_id, instant);
    v_to constant text := command.body ->> 'to';
    v_line inventory.reservation_line;
    v_levels jsonb := '[]';
begin
    perform internal.check_location_use(v_to, true);
    for v_line in
        select l.*
        from inventory.reservation_line as l
        join inventory.item as i on i.id = l.item_id
        where l.reservation_id = v_row.id and internal.is_open(l.status) and l.location_id <> v_to
            and l.location_id = coalesce(command.body ->> 'from', l.location_id)
            and i.sku = coalesce(command.body ->> 'sku', i.sku)
        order by l.item_id, l.location_id
    loop
        v_levels := v_levels || internal.free_line(command, v_line, 'RELEASED', 0, 'release', '{}', instant);
        delete from inventory.reservation_line as l
        where l.reservation_id = v_row.id and l.item_id = v_line.item_id and l.location_id = v_line.location_id;
        v_levels := v_levels || internal.hold_line(command, v_row.id, v_row.expires_at, v_line.item_id, v_to, v_line.quantity,
            '{}', instant);
    end loop;
    if v_levels = '[]' then
        perform internal.raise_error('IV003', jsonb_build_object('sku', command.body -> 'sku', 'location', command.body -> 'from',
            'reservation_id', v_row.id));
    end if;
    update inventory.reservation as r set version = greatest(r.version + 1, internal.version_floor()), updated_at = instant
    where r.id = v_row.id;
    return jsonb_build_object('reservation_id', v_row.id, 'status', 'PENDING', 'expires_at', v_row.expires_at, 'levels', v_levels);
end
$$;

comment on function internal.do_relocate(internal.command, timestamptz) is 'Moves what a pending reservation holds to another location.';
