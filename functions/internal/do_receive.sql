-- Second step of a transfer: units arrive sellable or damaged, or are lost on the way, which is written off in transit with a reason.
create or replace function internal.do_receive(command internal.command, instant timestamptz)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_id constant uuid := command.body ->> 'transfer_id';
    v_transfer inventory.transfer := internal.lock_transfer(v_id);
    v_line record;
    v_levels jsonb := '[]';
    v_lost internal.command := command;
begin
    perform internal.expect_version(command.expected_version, v_transfer.version, jsonb_build_object('transfer_id', v_id));
    v_lost.reason := coalesce(command.reason, 'lost in transit');
    for v_line in select r.* from internal.receipt_lines(command) as r where r.received + r.damaged + r.lost > 0 loop
        v_line.line := v_line.line || jsonb_build_object('transfer_id', v_id);
        update inventory.transfer_line as t
        set received = t.received + v_line.received, damaged = t.damaged + v_line.damaged, lost = t.lost + v_line.lost
        where t.transfer_id = v_id and t.item_id = v_line.item_id;
        if v_line.received + v_line.damaged > 0 then
            v_levels := v_levels || internal.change_level(command, v_line.item_id, v_transfer.to_location, 'receive',
                internal.make_deltas(in_transit => -v_line.received - v_line.damaged, on_hand => v_line.received,
                    damaged => v_line.damaged), instant, transfer_id => v_id, line => v_line.line);
        end if;
        if v_line.lost > 0 then
            v_levels := v_levels || internal.change_level(v_lost, v_line.item_id, v_transfer.to_location, 'transfer_loss',
                internal.make_deltas(in_transit => -v_line.lost), instant, transfer_id => v_id, line => v_line.line);
        end if;
    end loop;
    return internal.close_transfer(v_id, 'RECEIVED', instant) || jsonb_build_object('levels', v_levels);
end
$$;

comment on function internal.do_receive(internal.command, timestamptz) is 'Second step of a transfer: units arrive, are damaged or lost.';
