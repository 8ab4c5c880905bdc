-- Calls off what is still open on a purchase order.
create or replace function internal.do_cancel_order(command internal.command, instant timestamptz)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_order constant inventory.purchase_order := internal.lock_order((command.body ->> 'purchase_order_id')::uuid);
    v_line record;
    v_levels jsonb := '[]';
    v_command internal.command := command;
begin
    perform internal.expect_version(command.expected_version, v_order.version, jsonb_build_object('purchase_order_id', v_order.id));
    v_command.reference := coalesce(command.reference, v_order.reference, v_order.id::text);
    for v_line in
        select l.item_id, internal.open_quantity(l) as open
        from inventory.purchase_order_line as l
        where l.purchase_order_id = v_order.id and internal.open_quantity(l) > 0
        order by l.item_id
    loop
        update inventory.purchase_order_line as l set cancelled = l.cancelled + v_line.open
        where l.purchase_order_id = v_order.id and l.item_id = v_line.item_id;
        v_levels := v_levels || internal.change_level(v_command, v_line.item_id, v_order.location_id, 'order_cancel',
            internal.make_deltas(incoming => -v_line.open), instant,
            detail => jsonb_build_object('purchase_order_id', v_order.id), line => '{}');
    end loop;
    return internal.close_order(v_order.id, 'CANCELLED', instant) || jsonb_build_object('levels', v_levels);
end
$$;

comment on function internal.do_cancel_order(internal.command, timestamptz) is 'Calls off what is still open on a purchase order.';
