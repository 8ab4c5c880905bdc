-- Transfers whose lines are not what the ledger says of them: everything that left has arrived (sellable or damaged), was lost, came
-- back, or is in transit. Those that changed since (null = all), and whose ledger is still there from the beginning.
create or replace function internal.check_transfers(since timestamptz)
returns setof api.finding
language sql
stable
set search_path = ''
as $$
    with checked as (
        select t.id, t.from_location, t.to_location, t.created_at
        from inventory.transfer as t
        where t.updated_at >= coalesce(check_transfers.since, '-infinity') and t.created_at >= internal.history_start()
    ), moved as (
        select m.transfer_id, m.item_id,
            -sum(m.on_hand_delta) filter (where m.type = 'ship') as shipped,
            sum(m.on_hand_delta) filter (where m.location_id = t.to_location) as received,
            sum(m.damaged_delta) filter (where m.location_id = t.to_location) as damaged,
            -sum(m.in_transit_delta) filter (where m.type = 'transfer_loss') as lost,
            sum(m.on_hand_delta + m.damaged_delta) filter (where m.location_id = t.from_location and m.type <> 'ship') as returned,
            sum(m.in_transit_delta) as in_transit, sum(m.on_hand_delta + m.in_transit_delta + m.damaged_delta) as gone
        from inventory.stock_movement as m
        join checked as t on t.id = m.transfer_id
        where m.recorded_at >= (select min(c.created_at) from checked as c)
        group by m.transfer_id, m.item_id
    )
    select 'what a transfer has shipped has arrived, was lost, came back or is in transit', i.sku, t.to_location,
        jsonb_build_object('transfer_id', t.id, 'line', to_jsonb(l) - '{transfer_id,item_id}'::text[],
            'ledger', to_jsonb(m) - '{transfer_id,item_id}'::text[])
    from checked as t
    join inventory.transfer_line as l on l.transfer_id = t.id
    left join moved as m on m.transfer_id = l.transfer_id and m.item_id = l.item_id
    left join inventory.item as i on i.id = l.item_id
    where (l.shipped, l.received, l.damaged, l.lost, l.returned, l.shipped - l.received - l.damaged - l.lost - l.returned, -l.lost)
        is distinct from (coalesce(m.shipped, 0), coalesce(m.received, 0), coalesce(m.damaged, 0), coalesce(m.lost, 0),
            coalesce(m.returned, 0), coalesce(m.in_transit, 0), coalesce(m.gone, 0))
$$;

comment on function internal.check_transfers(timestamptz) is 'Transfers whose lines are not what the ledger says of them.';
