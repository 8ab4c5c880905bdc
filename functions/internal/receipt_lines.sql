-- What a command says has become of each line of a transfer: received, damaged and lost units. Without lines, all that is open has
-- arrived in order; with complete, what lines leave open is lost. Errors: IV001 beyond what is open, IV003 for an item that is not on it.
create or replace function internal.receipt_lines(command internal.command)
returns table (item_id uuid, received bigint, damaged bigint, lost bigint, line jsonb)
language plpgsql
stable
rows 5
set search_path = ''
as $$
declare
    v_stranger text;
    v_line record;
begin
    select l.line ->> 'sku' into v_stranger
    from internal.command_lines(command.body) as l
    left join inventory.item as i on i.sku = l.line ->> 'sku'
    left join inventory.transfer_line as t on t.transfer_id = (command.body ->> 'transfer_id')::uuid and t.item_id = i.id
    where command.body ? 'lines' and t.item_id is null
    limit 1;
    if v_stranger is not null then
        perform internal.raise_error('IV003', jsonb_build_object('sku', v_stranger, 'transfer_id', command.body -> 'transfer_id'));
    end if;
    for v_line in
        select t.item_id, i.sku, t.shipped - t.received - t.damaged - t.lost - t.returned as open,
            case when command.body ? 'lines' then coalesce(g.received, 0)
                else t.shipped - t.received - t.damaged - t.lost - t.returned end as received,
            coalesce(g.damaged, 0) as damaged, coalesce(g.lost, 0) as lost, coalesce(g.line, '{}') as line
        from inventory.transfer_line as t
        join inventory.item as i on i.id = t.item_id
        left join (
            select l.line ->> 'sku' as sku, sum(coalesce((l.line -> 'received')::numeric, 0)) as received,
                sum(coalesce((l.line -> 'damaged')::numeric, 0)) as damaged, sum(coalesce((l.line -> 'lost')::numeric, 0)) as lost,
                jsonb_strip_nulls(jsonb_build_object('lot', min(l.line ->> 'lot'),
                    'serials', nullif(jsonb_path_query_array(jsonb_agg(l.line), '$[*].serials[*]'), '[]'))) as line
            from internal.command_lines(command.body) as l
            where command.body ? 'lines'
            group by l.line ->> 'sku'
        ) as g on g.sku = i.sku
        where t.transfer_id = (command.body ->> 'transfer_id')::uuid
        order by t.item_id
    loop
        if v_line.received + v_line.damaged + v_line.lost > v_line.open then
            perform internal.raise_error('IV001', jsonb_build_object('sku', v_line.sku, 'state', 'in_transit',
                'requested', v_line.received + v_line.damaged + v_line.lost, 'available', v_line.open));
        end if;
        item_id := v_line.item_id;
        received := v_line.received;
        damaged := v_line.damaged;
        lost := case when coalesce((command.body -> 'complete')::boolean, false)
            then v_line.open - v_line.received - v_line.damaged else v_line.lost end;
        line := v_line.line;
        return next;
    end loop;
end
$$;

comment on function internal.receipt_lines(internal.command) is 'What a command says has become of each line of a transfer.';
