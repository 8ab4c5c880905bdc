-- Movements since (null = all that are there) that change what their type may not, that take or bring stock without a reason where one is
-- required, and moves in one step of which not all that left one place arrived in another: their two rows are written at one instant.
create or replace function internal.check_movements(since timestamptz)
returns setof api.finding
language sql
stable
set search_path = ''
as $$
    with movement as (
        select m.item_id, m.location_id, m.version, m.type, m.recorded_at, m.reason is null and m.reason_code is null as unexplained,
            m.on_hand_delta + m.in_transit_delta + m.damaged_delta as moved
        from inventory.stock_movement as m
        where m.recorded_at >= coalesce(check_movements.since, '-infinity')
    ), broken as (
        select 'a movement changes what its type may' as rule, m.item_id, m.location_id,
            jsonb_build_object('version', m.version, 'type', m.type, 'moved', m.moved) as found
        from movement as m
        where case
            when m.type in ('receipt', 'transfer_in', 'return', 'dispatch') then m.moved <= 0
            when m.type in ('removal', 'commit', 'transfer_out', 'write_off', 'ship', 'transfer_loss') then m.moved >= 0
            when m.type in ('adjustment', 'count', 'transfer_cancel', 'order_receipt') then false
            else m.moved <> 0 end
        union all
        select 'what is adjusted, written off or lost has a reason', m.item_id, m.location_id,
            jsonb_build_object('version', m.version, 'type', m.type)
        from movement as m
        where m.type in ('adjustment', 'write_off', 'transfer_loss') and m.unexplained
        union all
        select 'what leaves one place in one step arrives in another', m.item_id, null,
            jsonb_build_object('recorded_at', m.recorded_at, 'left_over', sum(m.moved))
        from movement as m
        where m.type in ('transfer_out', 'transfer_in')
        group by m.item_id, m.recorded_at
        having sum(m.moved) <> 0
    )
    select b.rule, i.sku, b.location_id, b.found
    from broken as b
    left join inventory.item as i on i.id = b.item_id
$$;

comment on function internal.check_movements(timestamptz) is 'Movements that change what their type may not, have no reason, or lose stock on the way.';
