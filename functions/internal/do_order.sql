-- Places a purchase order: what is ordered is incoming at its location until it is received or called off.
-- Errors: IV003, IV004, IV008, IV010, IV011, IV012, IV015, IV016, IV028.
create or replace function internal.do_order(command internal.command, instant timestamptz)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_id constant uuid := uuidv7();
    v_location constant text := command.body ->> 'location';
    v_line record;
    v_levels jsonb := '[]';
    v_command internal.command := command;
begin
    perform internal.check_supplier_use(command.body ->> 'supplier');
    perform internal.check_location_use(v_location, true);
    perform internal.check_expected(command, true, false);
    insert into inventory.purchase_order (id, supplier_code, location_id, reference, expected_at, version, created_at, updated_at)
    values (v_id, command.body ->> 'supplier', v_location, command.reference, (command.body ->> 'expected_at')::timestamptz,
        greatest(1, internal.version_floor()), instant, instant);
    v_command.reference := coalesce(command.reference, v_id::text);
    for v_line in select g.* from internal.order_goods(command) as g loop
        insert into inventory.purchase_order_line (purchase_order_id, item_id, ordered, unit_cost, currency)
        values (v_id, v_line.item_id, v_line.quantity, v_line.unit_cost, v_line.currency);
        v_levels := v_levels || internal.change_level(v_command, v_line.item_id, v_location, 'expect',
            internal.make_deltas(incoming => v_line.quantity), instant,
            detail => jsonb_build_object('purchase_order_id', v_id), line => '{}');
    end loop;
    return jsonb_build_object('purchase_order_id', v_id, 'status', 'OPEN', 'levels', v_levels);
end
$$;

comment on function internal.do_order(internal.command, timestamptz) is 'Places a purchase order: what is ordered is incoming.';
