-- What the lines of a receipt say about each item of a transfer, in base units, lines on one item summed. No rows for a command without lines.
-- Serial numbers come out in the order in which units are told apart: the received ones, the damaged ones, the lost ones.
-- Errors: IV003 for an item that is not on the transfer, IV015, IV023 (two lots of one item in one receipt, a lot of
-- what is not tracked).
create or replace function internal.receipt_sums(command internal.command)
returns table (item_id uuid, received numeric, damaged numeric, lost numeric, line jsonb)
language plpgsql
stable
rows 5
set search_path = ''
as $$
declare
    v_sum record;
begin
    perform internal.check_untracked(i, l.line)
    from internal.command_lines(command.body) as l
    join inventory.item as i on i.sku = l.line ->> 'sku';
    for v_sum in
        with said as (
            select t.item_id, l.entry, l.line, l.line ->> 'sku' as sku, coalesce((l.line -> 'received')::numeric, 0) * f.factor as received,
                coalesce((l.line -> 'damaged')::numeric, 0) * f.factor as damaged,
                coalesce((l.line -> 'lost')::numeric, 0) * f.factor as lost
            from internal.command_lines(command.body) as l
            left join inventory.item as i on i.sku = l.line ->> 'sku'
            left join inventory.transfer_line as t on t.transfer_id = (command.body ->> 'transfer_id')::uuid and t.item_id = i.id
            -- A case, so that what is not on the transfer is not asked for its units.
            cross join lateral (
                select case when t.item_id is not null then internal.unit_factor(i.id, i.sku, l.line ->> 'unit') end
            ) as f (factor)
            where command.body ? 'lines'
        )
        select s.item_id, s.sku, count(distinct coalesce(s.line ->> 'lot', '')) as lots, sum(s.received) as received,
            sum(s.damaged) as damaged, sum(s.lost) as lost, min(s.line ->> 'lot') as lot, (
                select jsonb_agg(n.serial order by n.place > o.received, n.place > o.received + o.damaged, o.entry, n.place)
                from said as o
                cross join lateral jsonb_array_elements(o.line -> 'serials') with ordinality as n (serial, place)
                where o.sku = s.sku) as serials
        from said as s
        group by s.item_id, s.sku
        order by min(s.entry)
    loop
        if v_sum.item_id is null then
            perform internal.raise_error('IV003', jsonb_build_object('sku', v_sum.sku, 'transfer_id', command.body -> 'transfer_id'));
        elsif v_sum.lots > 1 then
            perform internal.raise_error('IV023', internal.problem('lot', 'one lot of each item in a receipt'));
        end if;
        return query select v_sum.item_id, v_sum.received, v_sum.damaged, v_sum.lost,
            jsonb_strip_nulls(jsonb_build_object('lot', v_sum.lot, 'serials', v_sum.serials));
    end loop;
end
$$;

comment on function internal.receipt_sums(internal.command) is 'What the lines of a receipt say about each item of a transfer.';
