-- Calls a transfer back: what is still in transit is on hand again where it came from.
create or replace function internal.do_cancel_transfer(command internal.command, instant timestamptz)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_id constant uuid := command.body ->> 'transfer_id';
    v_transfer inventory.transfer := internal.lock_transfer(v_id);
    v_line record;
    v_tracked jsonb := jsonb_build_object('transfer_id', v_id);
    v_levels jsonb := '[]';
begin
    perform internal.expect_version(command.expected_version, v_transfer.version, jsonb_build_object('transfer_id', v_id));
    for v_line in
        select l.item_id, l.shipped - l.received - l.damaged - l.lost - l.returned as open
        from inventory.transfer_line as l
        where l.transfer_id = v_id and l.received + l.damaged + l.lost + l.returned < l.shipped
        order by l.item_id
    loop
        update inventory.transfer_line as l set returned = l.returned + v_line.open
        where l.transfer_id = v_id and l.item_id = v_line.item_id;
        v_levels := v_levels
            || internal.change_level(command, v_line.item_id, v_transfer.to_location, 'transfer_cancel',
                internal.make_deltas(in_transit => -v_line.open), instant, transfer_id => v_id, line => v_tracked)
            || internal.change_level(command, v_line.item_id, v_transfer.from_location, 'transfer_cancel',
                internal.make_deltas(on_hand => v_line.open), instant, transfer_id => v_id, line => v_tracked);
    end loop;
    return internal.close_transfer(v_id, 'CANCELLED', instant) || jsonb_build_object('levels', v_levels);
end
$$;

comment on function internal.do_cancel_transfer(internal.command, timestamptz) is 'Calls a transfer back to where it came from.';
