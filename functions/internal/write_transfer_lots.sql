-- Keeps which lots a transfer took and what became of them.
create or replace function internal.write_transfer_lots(change internal.tracked_change, changes internal.lot_change[])
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
    if change.movement = 'ship' then
        insert into inventory.transfer_lot as t (transfer_id, item_id, lot_id, shipped)
        select change.transfer_id, change.item_id, c.lot_id, -c.on_hand
        from unnest(changes) as c
        on conflict (transfer_id, item_id, lot_id) do update set shipped = t.shipped + excluded.shipped;
        return;
    end if;
    update inventory.transfer_lot as t
    set received = t.received + case change.movement when 'receive' then c.on_hand else 0 end,
        damaged = t.damaged + case change.movement when 'receive' then c.damaged else 0 end,
        returned = t.returned + case change.movement when 'transfer_cancel' then c.on_hand else 0 end,
        lost = t.lost + c.lost
    from unnest(changes) as c
    where t.transfer_id = change.transfer_id and t.item_id = change.item_id and t.lot_id = c.lot_id;
end
$$;

comment on function internal.write_transfer_lots(internal.tracked_change, internal.lot_change[]) is 'Keeps which lots a transfer took and what became of them.';
