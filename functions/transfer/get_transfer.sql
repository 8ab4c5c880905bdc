-- A transfer and what has become of its lines. Errors: IV018 unknown_transfer. Locks nothing.
-- Security definer because readers of api have no right on the tables.
create or replace function api.get_transfer(transfer_id uuid)
returns setof api.transfer_state
language plpgsql
stable
security definer
rows 2
set search_path = ''
as $$
begin
    return query
    select t.id, t.from_location, t.to_location, t.status, t.reference, t.version, t.created_at, t.updated_at, i.sku, l.item_id,
        l.shipped, l.received, l.damaged, l.lost, l.returned, l.shipped - l.received - l.damaged - l.lost - l.returned
    from inventory.transfer as t
    join inventory.transfer_line as l on l.transfer_id = t.id
    join inventory.item as i on i.id = l.item_id
    where t.id = get_transfer.transfer_id
    order by i.sku;
    if not found then
        perform internal.raise_error('IV018', jsonb_build_object('transfer_id', get_transfer.transfer_id));
    end if;
end
$$;

revoke execute on function api.get_transfer(uuid) from public;
grant execute on function api.get_transfer(uuid) to onhand_api, onhand_reader;
comment on function api.get_transfer(uuid) is 'A transfer and what has become of its lines.';
