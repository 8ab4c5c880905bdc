-- The summary of an item over all its locations, as of the last fold (see api.report_staleness). An item that never was stocked has one
-- of zeros with version 0; an unknown sku has no row. Locks nothing. Security definer because readers of api have no right on the tables.
create or replace function api.get_stock_summary(sku text)
returns setof api.stock_summary
language sql
stable
security definer
rows 1
set search_path = ''
as $$
    select i.id, i.sku, coalesce(s.on_hand, 0), coalesce(s.reserved, 0), coalesce(s.available, 0), coalesce(s.in_transit, 0),
        coalesce(s.backordered, 0), coalesce(s.damaged, 0), coalesce(s.incoming, 0), coalesce(s.oversold, 0), coalesce(s.threshold, 0),
        coalesce(s.status, 'out_of_stock'), coalesce(s.location_count, 0), coalesce(s.by_location, '{}'),
        coalesce(s.by_location_type, '{}'), coalesce(s.version, 0), s.updated_at
    from inventory.item as i
    left join inventory.stock_summary as s on s.item_id = i.id
    where i.sku = get_stock_summary.sku
$$;

revoke execute on function api.get_stock_summary(text) from public;
grant execute on function api.get_stock_summary(text) to onhand_api, onhand_reader;
comment on function api.get_stock_summary(text) is 'The summary of an item over all its locations, as of the last fold.';
