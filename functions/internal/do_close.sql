-- Confirm (whole or in part, the rest freed), cancel or expire a reservation, line by line in key order.
create or replace function internal.do_close(command internal.command, instant timestamptz)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_status constant text := case command.op when 'confirm' then 'COMMITTED' when 'cancel' then 'RELEASED' else 'EXPIRED' end;
    v_movement constant text := case command.op when 'expire' then 'expire' else 'release' end;
    v_row inventory.reservation := internal.lock_reservation(command, command.reservation_id, instant);
    v_line record;
    v_part bigint;
    v_levels jsonb := '[]';
begin
    perform internal.check_confirm_lines(command);
    for v_line in
        select r as line, i.sku
        from inventory.reservation_line as r
        join inventory.item as i on i.id = r.item_id
        where r.reservation_id = v_row.id and internal.is_open(r.status)
        order by r.item_id, r.location_id
    loop
        v_part := case when command.op = 'confirm' then internal.confirmed_part(command, v_line.line, v_line.sku) else 0 end;
        v_levels := v_levels || internal.free_line(command, v_line.line, v_status, v_part, v_movement,
            internal.line_tracking(command, v_line.sku, (v_line.line).location_id), instant);
    end loop;
    if v_row.status = 'PENDING' then
        perform internal.close_reservation(v_row.id, v_status, instant);
    end if;
    return jsonb_build_object('reservation_id', v_row.id, 'status', v_status, 'levels', v_levels);
end
$$;

comment on function internal.do_close(internal.command, timestamptz) is 'Confirms, cancels or expires a reservation line by line.';
