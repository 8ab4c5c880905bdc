-- What comes in, by lot: what left the other place (a move), what is on the way (a transfer: the units in order are those that expire first, the
-- damaged ones the next), else the lot that is named. The lots are share-locked: a recall waits until it can see what comes in.
create or replace function internal.arriving_lots(change internal.tracked_change)
returns internal.lot_change[]
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_source constant text := case when change.line ? 'from_version' then 'moved' when change.transfer_id is not null then 'transfer' end;
    v_changes internal.lot_change[];
begin
    if v_source is null then
        v_changes := array[row(internal.arriving_lot(change), change.on_hand, 0, change.damaged, 0)::internal.lot_change];
    else
        v_changes := array(
            select row(s.lot_id, s.quantity, 0, 0, 0)::internal.lot_change
            from unnest(internal.allocate_lots(change, v_source, 0, change.on_hand)) as s
            union all
            select row(s.lot_id, 0, 0, s.quantity, 0)::internal.lot_change
            from unnest(internal.allocate_lots(change, v_source, change.on_hand, change.damaged)) as s);
    end if;
    perform internal.lock_lots(v_changes);
    return v_changes;
end
$$;

comment on function internal.arriving_lots(internal.tracked_change) is 'What comes in, by lot.';
