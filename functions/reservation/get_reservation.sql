-- A reservation and its lines. A pending one past its deadline reads as EXPIRED, whether or not the sweeper came by: with the version that it will
-- get then, and nothing of it waits any more.
-- Errors: IV005 unknown_reservation. Locks nothing. Security definer because readers of api have no right on the tables.
create or replace function api.get_reservation(reservation_id uuid)
returns setof api.reservation_state
language plpgsql
stable
security definer
rows 2
set search_path = ''
as $$
declare
    v_now constant timestamptz := clock_timestamp();
begin
    return query
    select r.id, case when d.due then 'EXPIRED' else r.status end, r.owner, r.reference, r.expires_at, r.created_at, r.updated_at,
        case when d.due then greatest(r.version + 1, internal.version_floor()) else r.version end,
        i.sku, l.item_id, l.location_id, l.quantity, case when d.due then 0 else l.backordered end, l.confirmed
    from inventory.reservation as r
    cross join lateral (select r.status = 'PENDING' and r.expires_at <= v_now) as d (due)
    join inventory.reservation_line as l on l.reservation_id = r.id
    join inventory.item as i on i.id = l.item_id
    where r.id = get_reservation.reservation_id
    order by l.item_id, l.location_id;
    if not found then
        perform internal.raise_error('IV005', jsonb_build_object('reservation_id', get_reservation.reservation_id));
    end if;
end
$$;

revoke execute on function api.get_reservation(uuid) from public;
grant execute on function api.get_reservation(uuid) to onhand_api, onhand_reader;
comment on function api.get_reservation(uuid) is 'A reservation and its lines.';
