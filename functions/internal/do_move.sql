-- Moves stock between two places in one step: out, then in. Lots and serial numbers keep their identity.
create or replace function internal.do_move(command internal.command, instant timestamptz)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_line record;
    v_levels jsonb := '[]';
    v_out jsonb;
begin
    perform internal.check_location_use(command.body ->> 'from', false);
    perform internal.check_location_use(command.body ->> 'to', true);
    perform internal.check_expected(command, true, false);
    for v_line in select l.* from internal.expand_lines(command, true, false) as l loop
        v_out := internal.change_level(command, v_line.item_id, command.body ->> 'from', 'transfer_out',
            internal.make_deltas(on_hand => -v_line.quantity), instant, line => v_line.line);
        v_levels := v_levels || v_out || internal.change_level(command, v_line.item_id, command.body ->> 'to', 'transfer_in',
            internal.make_deltas(on_hand => v_line.quantity), instant,
            line => v_line.line || jsonb_build_object('from_location', v_out -> 'location', 'from_version', v_out -> 'version'));
    end loop;
    return jsonb_build_object('levels', v_levels);
end
$$;

comment on function internal.do_move(internal.command, timestamptz) is 'Moves stock between two places in one step.';
