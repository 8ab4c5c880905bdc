-- What a command says has become of each line of a transfer: received, damaged and lost units. Without lines, all that is open has
-- arrived in order; with complete, what lines leave open is lost. Errors: IV001 beyond what is open, those of internal.receipt_sums.
create or replace function internal.receipt_lines(command internal.command)
returns table (item_id uuid, received bigint, damaged bigint, lost bigint, line jsonb)
language plpgsql
stable
rows 5
set search_path = ''
as $$
declare
    v_complete constant boolean := coalesce((command.body -> 'complete')::boolean, false);
    v_line record;
begin
    for v_line in
        select t.item_id, i.sku, o.open, case when command.body ? 'lines' then coalesce(g.received, 0) else o.open end as received,
            coalesce(g.damaged, 0) as damaged, coalesce(g.lost, 0) as lost, coalesce(g.line, '{}') as line
        from inventory.transfer_line as t
        cross join lateral (select t.shipped - t.received - t.damaged - t.lost - t.returned) as o (open)
        join inventory.item as i on i.id = t.item_id
        left join internal.receipt_sums(command) as g on g.item_id = t.item_id
        where t.transfer_id = (command.body ->> 'transfer_id')::uuid
        order by t.item_id
    loop
        if v_line.received + v_line.damaged + v_line.lost > v_line.open then
            perform internal.raise_error('IV001', jsonb_build_object('sku', v_line.sku, 'state', 'in_transit',
                'requested', v_line.received + v_line.damaged + v_line.lost, 'available', v_line.open));
        end if;
        return query
        select v_line.item_id, v_line.received::bigint, v_line.damaged::bigint,
            case when v_complete then v_line.open - v_line.received - v_line.damaged else v_line.lost end::bigint, v_line.line;
    end loop;
end
$$;

comment on function internal.receipt_lines(internal.command) is 'What a command says has become of each line of a transfer.';
