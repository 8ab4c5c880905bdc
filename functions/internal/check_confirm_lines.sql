-- Refuses a partial confirm that names what the reservation does not hold, or lots of what is not tracked. Errors: IV003, IV023.
create or replace function internal.check_confirm_lines(command internal.command)
returns void
language plpgsql
stable
set search_path = ''
as $$
declare
    v_line jsonb;
begin
    select l.line into v_line
    from internal.command_lines(command.body) as l
    where command.body ? 'lines' and not exists (
        select from inventory.reservation_line as r
        join inventory.item as i on i.id = r.item_id
        where r.reservation_id = command.reservation_id and internal.is_open(r.status) and i.sku = l.line ->> 'sku'
            and r.location_id = l.line ->> 'location')
    limit 1;
    if v_line is not null then
        perform internal.raise_error('IV003', jsonb_build_object('sku', v_line -> 'sku', 'location', v_line -> 'location',
            'reservation_id', command.reservation_id));
    end if;
    perform internal.check_untracked(i, l.line)
    from internal.command_lines(command.body) as l
    join inventory.item as i on i.sku = l.line ->> 'sku'
    where command.body ? 'lines';
end
$$;

comment on function internal.check_confirm_lines(internal.command) is 'Refuses a partial confirm that names what the reservation does not hold.';
