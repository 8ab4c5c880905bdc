-- Receives goods on a purchase order: sellable and damaged units come in, incoming goes down by what was still open of them.
-- Items archived and locations closed since the order was placed still receive what is on its way to them.
create or replace function internal.do_receive_order(command internal.command, instant timestamptz)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_order constant inventory.purchase_order := internal.lock_order((command.body ->> 'purchase_order_id')::uuid);
    v_receipt internal.order_receipt;
    v_levels jsonb := '[]';
    v_command internal.command := command;
begin
    perform internal.expect_version(command.expected_version, v_order.version, jsonb_build_object('purchase_order_id', v_order.id));
    v_command.reference := coalesce(command.reference, v_order.reference, v_order.id::text);
    for v_receipt in select r.* from internal.order_receipts(command) as r loop
        v_levels := v_levels || (internal.change_level(v_command, v_receipt.item_id, v_order.location_id, 'order_receipt',
            internal.make_deltas(incoming => -internal.receive_line(v_order.id, v_receipt), on_hand => v_receipt.received,
                damaged => v_receipt.damaged), instant,
            detail => jsonb_build_object('purchase_order_id', v_order.id) || v_receipt.line, line => v_receipt.line)
            || jsonb_build_object('quantity', v_receipt.received + v_receipt.damaged));
    end loop;
    return internal.close_order(v_order.id, 'RECEIVED', instant) || jsonb_build_object('levels', v_levels);
end
$$;

comment on function internal.do_receive_order(internal.command, timestamptz) is 'Receives goods on a purchase order.';
