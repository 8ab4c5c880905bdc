-- The lots of an item and what lies of each, at one location or at all, in the order in which they are sold: first expired first out. To the
-- instant: what is free of a lot past its date stands under damaged, and holds past their deadline hold nothing.
-- Lots of which nothing lies anywhere are left out, unless include_empty (they then come once, without a location).
-- Unknown item or location: no rows. Locks nothing. Security definer because readers of api have no right on the tables.
create or replace function api.get_lots(sku text, location text default null, include_empty boolean default false)
returns setof api.lot_state
language plpgsql
stable
security definer
rows 20
set search_path = ''
as $$
declare
    v_now constant timestamptz := clock_timestamp();
begin
    return query
    select i.sku, l.code, case when l.status = 'recalled' then 'recalled' when l.expires_at <= v_now then 'expired' else 'active' end,
        l.expires_at, l.received_at, l.recalled_at, b.location_id, coalesce(b.on_hand, 0), coalesce(b.reserved, 0),
        coalesce(b.on_hand - b.reserved, 0), coalesce(b.damaged, 0), l.metadata, l.version
    from inventory.item as i
    join inventory.lot as l on l.item_id = i.id
    left join internal.lot_balances(i.id, v_now) as b
        on b.lot_id = l.id and (b.on_hand > 0 or b.damaged > 0) and b.location_id = coalesce(get_lots.location, b.location_id)
    where i.sku = get_lots.sku and (include_empty or b.location_id is not null)
    order by l.expires_at nulls last, l.received_at, l.id, b.location_id;
end
$$;

revoke execute on function api.get_lots(text, text, boolean) from public;
grant execute on function api.get_lots(text, text, boolean) to onhand_api, onhand_reader;
comment on function api.get_lots(text, text, boolean) is 'The lots of an item and what lies of each, in the order in which they are sold.';
