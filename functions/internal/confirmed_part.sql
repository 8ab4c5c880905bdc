-- How much of a reservation line a confirm command sells: all of it, or what its lines name (nothing, for a line that they leave out).
-- Errors: IV020 while that part still waits for stock, IV001 for more than the line has.
create or replace function internal.confirmed_part(command internal.command, line inventory.reservation_line, sku text)
returns bigint
language plpgsql
stable
set search_path = ''
as $$
declare
    v_wanted numeric;
begin
    if not command.body ? 'lines' then
        v_wanted := line.quantity;
    else
        select sum((l.line -> 'quantity')::numeric * internal.unit_factor(line.item_id, confirmed_part.sku, l.line ->> 'unit')) into v_wanted
        from internal.command_lines(command.body) as l
        where l.line ->> 'sku' = confirmed_part.sku and l.line ->> 'location' = line.location_id;
    end if;
    if v_wanted > line.quantity then
        perform internal.raise_error('IV001', jsonb_build_object('sku', sku, 'location', line.location_id, 'requested', v_wanted,
            'available', line.quantity - line.backordered));
    elsif v_wanted > line.quantity - line.backordered then
        perform internal.raise_error('IV020', jsonb_build_object('sku', sku, 'location', line.location_id,
            'allocated', line.quantity - line.backordered, 'backordered', line.backordered));
    end if;
    return coalesce(v_wanted, 0);
end
$$;

comment on function internal.confirmed_part(internal.command, inventory.reservation_line, text) is 'How much of a reservation line a confirm command sells.';
