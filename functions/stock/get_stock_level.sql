-- The balance of an item, at one location or at all that have a row, now or at an instant in the past (from the ledger).
-- Availability never counts a hold past its deadline, nor a lot past its date: what is free of that stands under damaged. Unknown item or
-- location: no rows. Locks nothing.
-- Errors: IV033 history_retired before the first instant that is still kept in detail. What was reported late: api.get_stock_as_of.
-- Security definer because readers of api have no right on the tables.
create or replace function api.get_stock_level(sku text, location text default null, as_of timestamptz default null)
returns setof api.stock_state
language plpgsql
stable
security definer
rows 20
set search_path = ''
as $$
begin
    if as_of is not null then
        return query
        select s.* from internal.stock_level_as_of(get_stock_level.sku, get_stock_level.location, as_of, false) as s;
        return;
    end if;
    if location is not null then
        -- What is asked most: one key on which nothing is due. Two descents of an index.
        return query
        select i.sku, s.item_id, s.location_id, s.on_hand, s.reserved, s.available, s.in_transit, s.backordered, s.damaged,
            s.safety_stock, s.reorder_point, s.policy, s.status, s.version, s.next_hold_at, s.last_movement_at, s.incoming
        from inventory.item as i
        join inventory.stock_level as s on s.item_id = i.id
        where i.sku = get_stock_level.sku and s.location_id = get_stock_level.location
            and (s.next_hold_at is null or s.next_hold_at > clock_timestamp());
        if found then
            return;
        end if;
    end if;
    return query
    select i.sku, s.item_id, s.location_id, s.on_hand - d.ended, s.reserved - d.reserved, s.available + d.reserved - d.ended,
        s.in_transit, s.backordered - d.backordered, s.damaged + d.ended, s.safety_stock, s.reorder_point, s.policy,
        internal.level_status(s.policy, s.available + d.reserved - d.ended, greatest(s.safety_stock, s.reorder_point)),
        s.version, s.next_hold_at, s.last_movement_at, s.incoming
    from inventory.item as i
    join inventory.stock_level as s on s.item_id = i.id
    -- Without a deadline before now there is nothing to look for.
    cross join lateral (
        select case when s.next_hold_at <= clock_timestamp()
                then internal.due_quantity(s.item_id, s.location_id, clock_timestamp()) end,
            case when i.tracking <> 'none' and s.next_hold_at <= clock_timestamp()
                then internal.due_lot_quantity(s.item_id, s.location_id, clock_timestamp()) end
    ) as h (held, ended)
    cross join lateral (
        select coalesce((h.held).reserved, 0) as reserved, coalesce((h.held).backordered, 0) as backordered, coalesce(h.ended, 0) as ended
    ) as d
    where i.sku = get_stock_level.sku
        and (get_stock_level.location is null or s.location_id = get_stock_level.location)
    order by s.location_id;
end
$$;

revoke execute on function api.get_stock_level(text, text, timestamptz) from public;
grant execute on function api.get_stock_level(text, text, timestamptz) to onhand_api, onhand_reader;
comment on function api.get_stock_level(text, text, timestamptz) is 'The balance of an item at one or all locations, now or at an instant in the past.';
