-- Movements of an item, newest first, at one location or at all. Page on with before => the recorded_at of the last row and
-- before_version => its version. Rows that share both (one instant at several locations) are never torn apart by a page: it may
-- have more rows than max_rows. Errors: IV008 if max_rows is not 1 to 1000. Unknown item: no rows. Locks nothing.
-- Security definer because readers of api have no right on the tables.
create or replace function api.get_stock_history(sku text, location text default null, since timestamptz default null,
    until timestamptz default null, max_rows integer default 100, before timestamptz default null,
    before_version bigint default null)
returns setof api.movement
language plpgsql
stable
security definer
rows 100
set search_path = ''
as $$
begin
    if max_rows is null or max_rows not between 1 and 1000 then
        perform internal.raise_error('IV008', internal.problem('max_rows', 'must be 1 to 1000'));
    end if;
    return query
    select h.*
    from (
        select i.sku, m.item_id, m.location_id, m.version, m.type, m.on_hand_delta, m.reserved_delta, m.on_hand, m.reserved,
            m.available, m.reason, m.reference, m.reservation_id, m.correlation_id, m.user_id, m.source, m.occurred_at, m.recorded_at,
            m.in_transit_delta, m.backordered_delta, m.damaged_delta, m.incoming_delta, m.in_transit, m.backordered, m.damaged,
            m.incoming, m.reason_code, m.transfer_id, m.detail
        from inventory.item as i
        join inventory.stock_movement as m on m.item_id = i.id
        where i.sku = get_stock_history.sku
            and (get_stock_history.location is null or m.location_id = get_stock_history.location)
            and m.recorded_at >= coalesce(since, '-infinity') and m.recorded_at < coalesce(until, 'infinity')
            and (before is null or m.recorded_at < before
                or (m.recorded_at = before and m.version < coalesce(before_version, 0)))
        order by m.recorded_at desc, m.version desc
        fetch first (max_rows) rows with ties
    ) as h
    order by h.recorded_at desc, h.version desc, h.location_id;
end
$$;

revoke execute on function api.get_stock_history(text, text, timestamptz, timestamptz, integer, timestamptz, bigint) from public;
grant execute on function api.get_stock_history(text, text, timestamptz, timestamptz, integer, timestamptz, bigint)
    to onhand_api, onhand_reader;
comment on function api.get_stock_history(text, text, timestamptz, timestamptz, integer, timestamptz, bigint) is 'Movements of an item, newest first.';
