-- First step of a transfer: stock leaves one place and is in transit to another until it is received, lost or called back.
create or replace function internal.do_ship(command internal.command, instant timestamptz)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_id constant uuid := uuidv7();
    v_from constant text := command.body ->> 'from';
    v_to constant text := command.body ->> 'to';
    v_line record;
    v_levels jsonb := '[]';
begin
    perform internal.check_location_use(v_from, false);
    perform internal.check_location_use(v_to, true);
    perform internal.check_expected(command, true, false);
    insert into inventory.transfer (id, from_location, to_location, reference, version, created_at, updated_at)
    values (v_id, v_from, v_to, command.reference, greatest(1, internal.version_floor()), instant, instant);
    for v_line in select l.* from internal.expand_lines(command, true, false) as l loop
        insert into inventory.transfer_line (transfer_id, item_id, shipped) values (v_id, v_line.item_id, v_line.quantity);
        v_line.line := v_line.line || jsonb_build_object('transfer_id', v_id);
        v_levels := v_levels
            || internal.change_level(command, v_line.item_id, v_from, 'ship', internal.make_deltas(on_hand => -v_line.quantity),
                instant, transfer_id => v_id, line => v_line.line)
            || internal.change_level(command, v_line.item_id, v_to, 'dispatch', internal.make_deltas(in_transit => v_line.quantity),
                instant, transfer_id => v_id, line => v_line.line);
    end loop;
    return jsonb_build_object('transfer_id', v_id, 'status', 'IN_TRANSIT', 'levels', v_levels);
end
$$;

comment on function internal.do_ship(internal.command, timestamptz) is 'First step of a transfer: stock leaves one place for another.';
