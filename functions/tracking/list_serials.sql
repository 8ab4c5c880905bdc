-- The serial numbers of an item, at one location or at all, of one status or all, in their order. Page on with after => the last one.
-- Errors: IV008 if max_rows is not 1 to 1000. Unknown item or location: no rows. Locks nothing.
-- Security definer because readers of api have no right on the tables.
create or replace function api.list_serials(sku text, location text default null, status text default null, after text default null,
    max_rows integer default 100)
returns setof api.serial_state
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
    select i.sku, s.serial, s.status, s.location_id, l.code, s.reservation_id, s.transfer_id, s.received_at, s.updated_at, s.version
    from inventory.item as i
    join inventory.serial as s on s.item_id = i.id
    left join inventory.lot as l on l.id = s.lot_id
    where i.sku = list_serials.sku
        and (list_serials.location is null or s.location_id = list_serials.location)
        and (list_serials.status is null or s.status = list_serials.status)
        and (after is null or s.serial > after)
    order by s.serial
    limit max_rows;
end
$$;

revoke execute on function api.list_serials(text, text, text, text, integer) from public;
grant execute on function api.list_serials(text, text, text, text, integer) to onhand_api, onhand_reader;
comment on function api.list_serials(text, text, text, text, integer) is 'The serial numbers of an item, in their order.';
