-- The line of a command that has one: the same as internal.read_lines, for one command.
create or replace function internal.single_line(command internal.command)
returns internal.line
language plpgsql
stable
as $$
declare
    v_line internal.line;
    v_quantity constant numeric := (command.body -> 'quantity')::numeric;
    v_item_status text;
    v_location_status text;
    v_special boolean;
begin
    v_line.ordinal := command.ordinal;
    v_line.sku := command.body ->> 'sku';
    v_line.location_id := command.body ->> 'location';
    v_line.detail := jsonb_build_object('sku', v_line.sku, 'location', v_line.location_id, 'requested', v_quantity);
    if abs(v_quantity) > 1000000000000 then
        v_line.code := 'IV012';
        return v_line;
    end if;
    select i.id, i.status, i.kind <> 'physical' or i.tracking <> 'none' into v_line.item_id, v_item_status, v_special
    from inventory.item as i where i.sku = v_line.sku;
    select l.status into v_location_status from inventory.location as l where l.id = v_line.location_id;
    v_line.code := case
        when v_line.item_id is null then 'IV003'
        when v_location_status is null then 'IV004'
        when v_item_status = 'archived' and command.op in ('add', 'reserve') then 'IV010'
        when v_location_status = 'closed' and command.op in ('add', 'reserve') then 'IV011'
    end;
    v_line.special := v_special;
    v_line.quantity := v_quantity;
    v_line.expected_version := command.expected_version;
    v_line.movement := case command.op
        when 'add' then 'receipt' when 'remove' then 'removal' when 'adjust' then 'adjustment' else 'reserve' end;
    v_line.on_hand_delta := case command.op when 'reserve' then 0 when 'remove' then -v_quantity else v_quantity end;
    v_line.reserved_delta := case command.op when 'reserve' then v_quantity else 0 end;
    return v_line;
end
$$;

comment on function internal.single_line(internal.command) is 'The line of a command that has one.';
