-- What a command orders, in base units: units converted, demand for one item summed, prices from the terms of the supplier where the line
-- has none. Errors: IV003, IV008 (two prices for one item, a price without a currency), IV010, IV012, IV015, IV016.
create or replace function internal.order_goods(command internal.command)
returns table (item_id uuid, quantity bigint, unit_cost bigint, currency text)
language plpgsql
stable
rows 5
set search_path = ''
as $$
declare
    v_item record;
begin
    perform internal.check_item_use(i, l.line ->> 'sku', true, false)
    from internal.command_lines(command.body) as l
    left join inventory.item as i on i.sku = l.line ->> 'sku'
    order by l.entry;
    for v_item in
        select i.id, i.sku, sum((l.line -> 'quantity')::numeric * internal.unit_factor(i.id, i.sku, l.line ->> 'unit')) as quantity,
            min(coalesce((l.line -> 'unit_cost')::bigint, t.unit_cost)) as unit_cost,
            min(coalesce(l.line ->> 'currency', t.currency)) as currency,
            count(distinct jsonb_build_array(coalesce((l.line -> 'unit_cost')::bigint, t.unit_cost),
                coalesce(l.line ->> 'currency', t.currency))) as prices
        from internal.command_lines(command.body) as l
        join inventory.item as i on i.sku = l.line ->> 'sku'
        left join inventory.item_supplier as t on t.item_id = i.id and t.supplier_code = command.body ->> 'supplier'
        group by i.id, i.sku
        order by i.id
    loop
        if v_item.quantity > 1000000000000 then
            perform internal.raise_error('IV012', jsonb_build_object('sku', v_item.sku, 'requested', v_item.quantity));
        elsif v_item.prices > 1 then
            perform internal.raise_error('IV008', internal.problem('lines', 'one price for each item of an order') || jsonb_build_object('sku', v_item.sku));
        elsif v_item.unit_cost is not null and v_item.currency is null then
            perform internal.raise_error('IV008', internal.problem('currency', 'is required with unit_cost: the supplier has no price for the item')
                || jsonb_build_object('sku', v_item.sku));
        end if;
        return query select v_item.id, v_item.quantity::bigint, v_item.unit_cost, v_item.currency;
    end loop;
end
$$;

comment on function internal.order_goods(internal.command) is 'What a command orders, in base units, with its prices.';
