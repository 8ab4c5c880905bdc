-- What a change of units does to the lots that they belong to, at its place: the units after it less those before it.
create or replace function internal.serial_lot_changes(change internal.tracked_change, before inventory.serial[], after inventory.serial[])
returns internal.lot_change[]
language sql
immutable
set search_path = ''
as $$
    select array_agg(row(u.lot_id, u.sign * (u.here and u.status = 'in_stock')::integer,
        u.sign * (u.here and u.status = 'in_stock' and u.reservation_id is not null)::integer,
        u.sign * (u.here and u.status = 'damaged')::integer,
        (u.sign < 0 and change.movement = 'transfer_loss')::integer)::internal.lot_change)
    from (
        select -1 as sign, b.lot_id, b.status, b.reservation_id, coalesce(b.location_id = change.location_id, false) as here
        from unnest(before) as b
        union all
        select 1, a.lot_id, a.status, a.reservation_id, coalesce(a.location_id = change.location_id, false)
        from unnest(after) as a
    ) as u
    where u.lot_id is not null
$$;

comment on function internal.serial_lot_changes(internal.tracked_change, inventory.serial[], inventory.serial[]) is 'What a change of units does to the lots that they belong to.';
