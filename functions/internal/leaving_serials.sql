-- Units that leave a bucket: the named ones; where a lot has ended, the oldest of it. They go on the way, into the other bucket, or are gone.
create or replace function internal.leaving_serials(change internal.tracked_change)
returns inventory.serial[]
language plpgsql
stable
set search_path = ''
as $$
declare
    v_quantity constant bigint := greatest(-change.on_hand, -change.damaged);
    v_units inventory.serial[];
    v_status constant text := case
        when change.movement in ('ship', 'transfer_out') then 'in_transit'
        when change.damaged > 0 then 'damaged'
        when change.on_hand > 0 then 'in_stock'
        else 'removed' end;
begin
    if change.movement in ('lot_expiry', 'recall') then
        v_units := internal.oldest_serials(change, v_quantity);
    else
        v_units := internal.serials_there(change, internal.required_serials(change, v_quantity),
            case when change.on_hand < 0 then 'in_stock' else 'damaged' end);
    end if;
    return internal.serials_become(v_units, v_status, case when v_status <> 'removed' then change.location_id end, null,
        change.transfer_id);
end
$$;

comment on function internal.leaving_serials(internal.tracked_change) is 'Units that leave a bucket, as they will be.';
