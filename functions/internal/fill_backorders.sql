-- Gives stock that has become available to the reservations that wait for it on one key, in the order in which they began to wait. What came in of
-- a lot that has ended is no such stock. Under a policy that is never short (what waits is from before it was set) all of them get all; of tracked
-- items only what is there.
-- Returns the level afterwards, null if nothing was given. The row is locked: whoever holds it owns the lines that wait on it.
create or replace function internal.fill_backorders(command internal.command, item_id uuid, location_id text, instant timestamptz)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_tracked constant boolean := exists (
        select from inventory.item as i where i.id = fill_backorders.item_id and i.tracking <> 'none');
    v_available bigint;
    v_line record;
    v_level jsonb;
    v_given bigint;
begin
    if v_tracked then
        v_level := internal.expire_due_lots(item_id, location_id, instant);
    end if;
    select case when s.policy in ('oversell', 'unlimited') and not v_tracked then s.backordered else s.available end into v_available
    from inventory.stock_level as s
    where s.item_id = fill_backorders.item_id and s.location_id = fill_backorders.location_id and s.backordered > 0;
    for v_line in
        select l.reservation_id, l.backordered
        from inventory.reservation_line as l
        where l.item_id = fill_backorders.item_id and l.location_id = fill_backorders.location_id
            and l.backordered > 0 and l.status = 'PENDING' and l.expires_at > instant
        order by l.waiting_since, l.reservation_id
    loop
        exit when coalesce(v_available, 0) <= 0;
        v_given := least(v_available, v_line.backordered);
        update inventory.reservation_line as l set backordered = l.backordered - v_given
        where l.reservation_id = v_line.reservation_id and l.item_id = fill_backorders.item_id
            and l.location_id = fill_backorders.location_id;
        v_level := internal.change_level(command, item_id, location_id, 'allocate',
            internal.make_deltas(reserved => v_given, backordered => -v_given), instant, v_line.reservation_id, line => '{}');
        v_available := v_available - v_given;
    end loop;
    return v_level - '{type,quantity}'::text[];
end
$$;

comment on function internal.fill_backorders(internal.command, uuid, text, timestamptz) is 'Gives stock that has become available to the reservations that wait for it.';
