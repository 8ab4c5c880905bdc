-- What a command says has arrived on an order, in base units, for each item and lot (damaged units with serial numbers apart); without lines
-- all that is open, in order.
-- Errors: IV003 for an item that is not on the order, IV012, IV015, IV023 for a lot or serial numbers of an item that is not tracked.
create or replace function internal.order_receipts(command internal.command)
returns setof internal.order_receipt
language plpgsql
stable
rows 5
set search_path = ''
as $$
declare
    v_id constant uuid := command.body ->> 'purchase_order_id';
    v_receipt record;
begin
    if not command.body ? 'lines' then
        return query
        select l.item_id, internal.open_quantity(l), 0::bigint, '{}'::jsonb
        from inventory.purchase_order_line as l
        where l.purchase_order_id = v_id and internal.open_quantity(l) > 0
        order by l.item_id;
        return;
    end if;
    for v_receipt in
        select p.item_id, g.line ->> 'sku' as sku, i.tracking, sum(coalesce((g.line -> 'received')::numeric, 0) * f.factor) as received,
            sum(coalesce((g.line -> 'damaged')::numeric, 0) * f.factor) as damaged,
            jsonb_strip_nulls(jsonb_build_object('lot', g.line ->> 'lot', 'lot_expires_at', min(g.line ->> 'lot_expires_at'),
                'serials', nullif(jsonb_path_query_array(jsonb_agg(g.line), '$[*].serials[*]'), '[]'))) as line
        from internal.command_lines(command.body) as g
        left join inventory.item as i on i.sku = g.line ->> 'sku'
        left join inventory.purchase_order_line as p on p.purchase_order_id = v_id and p.item_id = i.id
        -- A case, so that what is not on the order is not asked for its units.
        cross join lateral (
            select case when p.item_id is not null then internal.unit_factor(i.id, i.sku, g.line ->> 'unit') end
        ) as f (factor)
        group by p.item_id, g.line ->> 'sku', i.tracking, g.line ->> 'lot',
            g.line ? 'serials' and coalesce((g.line -> 'damaged')::numeric, 0) > 0
        order by p.item_id nulls first, g.line ->> 'lot'
    loop
        if v_receipt.item_id is null then
            perform internal.raise_error('IV003', jsonb_build_object('sku', v_receipt.sku, 'purchase_order_id', v_id));
        elsif greatest(v_receipt.received, v_receipt.damaged) > 1000000000000 then
            perform internal.raise_error('IV012', jsonb_build_object('sku', v_receipt.sku, 'requested',
                greatest(v_receipt.received, v_receipt.damaged)));
        elsif v_receipt.tracking = 'none' and v_receipt.line <> '{}' then
            perform internal.raise_error('IV023', internal.problem('lot, serials', 'the item is not tracked')
                || jsonb_build_object('sku', v_receipt.sku));
        end if;
        return query select v_receipt.item_id, v_receipt.received::bigint, v_receipt.damaged::bigint, v_receipt.line;
    end loop;
end
$$;

comment on function internal.order_receipts(internal.command) is 'What a command says has arrived on an order, for each item and lot.';
