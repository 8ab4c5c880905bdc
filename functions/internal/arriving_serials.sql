-- Units that come in: new ones, and such as were gone (returned, found again; a receipt takes back what was removed, not what was sold).
-- Their rows are locked in order; whoever brings in the same number at the same moment waits. Errors: IV021, IV023, IV024 serial_exists.
create or replace function internal.arriving_serials(change internal.tracked_change)
returns inventory.serial[]
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_serials constant text[] := internal.required_serials(change, change.on_hand + change.damaged);
    v_lot_id constant uuid := internal.arriving_lot(change);
    v_units inventory.serial[];
begin
    insert into inventory.serial (item_id, serial, status, lot_id, received_at, version, updated_at)
    select change.item_id, n, 'removed', v_lot_id, change.instant, 0, change.instant
    from unnest(v_serials) as n
    order by n
    on conflict (item_id, serial) do nothing;
    select array_agg(row(s.item_id, s.serial, s.status, s.location_id, coalesce(v_lot_id, s.lot_id), null, null, change.instant, s.version,
        s.updated_at)::inventory.serial) into v_units
    from (
        select s.*
        from inventory.serial as s
        where s.item_id = change.item_id and s.serial = any (v_serials)
        order by s.serial
        for no key update
    ) as s;
    perform internal.refuse_serials(change, 'IV024', array(
        select u.serial
        from unnest(v_units) as u
        where u.status in ('in_stock', 'damaged', 'in_transit')
            or u.status = 'shipped' and change.movement in ('receipt', 'order_receipt')));
    perform internal.lock_lots(array[row(v_lot_id, 0, 0, 0, 0)::internal.lot_change]);
    return internal.serials_become(v_units, case when change.damaged > 0 then 'damaged' else 'in_stock' end, change.location_id, null, null);
end
$$;

comment on function internal.arriving_serials(internal.tracked_change) is 'Units that come in, new or back.';
