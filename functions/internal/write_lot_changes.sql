-- Writes what a change does to lots: the balances by lot, which ledger row it was, what its reservation or transfer has of each.
-- Raises 40001 if another session has made the stock_level, missing until now, and its first version; the batch is then decided again.
create or replace function internal.write_lot_changes(change internal.tracked_change, changes internal.lot_change[])
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_changes internal.lot_change[];
    v_written bigint;
begin
    select array_agg(row(c.lot_id, c.on_hand, c.reserved, c.damaged, c.lost)::internal.lot_change) into v_changes
    from (
        select c.lot_id, sum(c.on_hand)::bigint as on_hand, sum(c.reserved)::bigint as reserved, sum(c.damaged)::bigint as damaged,
            sum(c.lost)::bigint as lost
        from unnest(changes) as c
        group by c.lot_id
    ) as c
    where (c.on_hand, c.reserved, c.damaged, c.lost) <> (0, 0, 0, 0);
    if v_changes is null then
        return;
    end if;
    perform internal.write_lot_levels(change, v_changes);
    insert into inventory.lot_movement (item_id, location_id, version, lot_id, on_hand_delta, reserved_delta, damaged_delta, recorded_at)
    select change.item_id, change.location_id, change.version, c.lot_id, c.on_hand, c.reserved, c.damaged, change.instant
    from unnest(v_changes) as c
    where (c.on_hand, c.reserved, c.damaged) <> (0, 0, 0)
    on conflict on constraint lot_movement_pkey do nothing;
    get diagnostics v_written = row_count;
    if v_written < (select count(*) from unnest(v_changes) as c where (c.on_hand, c.reserved, c.damaged) <> (0, 0, 0)) then
        raise exception 'another session made the stock level first' using errcode = '40001';
    end if;
    if change.reservation_id is not null then
        perform internal.write_reservation_lots(change, v_changes);
    elsif change.transfer_id is not null then
        perform internal.write_transfer_lots(change, v_changes);
    end if;
end
$$;

comment on function internal.write_lot_changes(internal.tracked_change, internal.lot_change[]) is 'Writes what a change does to lots.';
