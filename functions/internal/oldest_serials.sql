-- The units at a place that nobody has named, the oldest first: for a sale those that its reservation named before all others, and none of a lot
-- that has expired or was recalled; for an expiry or recall those of the lot. Errors: IV022 if there are not as many.
create or replace function internal.oldest_serials(change internal.tracked_change, quantity bigint)
returns inventory.serial[]
language plpgsql
stable
set search_path = ''
as $$
declare
    v_found inventory.serial[];
begin
    select array_agg(f) into v_found
    from (
        select s.*
        from inventory.serial as s
        left join inventory.lot as l on l.id = s.lot_id
        where s.item_id = change.item_id and s.location_id = change.location_id and s.status = 'in_stock'
            and (s.reservation_id is null or s.reservation_id = change.reservation_id)
            and case change.movement
                when 'commit' then coalesce(least(l.expires_at, l.recalled_at) > change.instant, true)
                else l.code = change.line ->> 'lot' end
        order by s.reservation_id nulls last, s.received_at, s.serial
        limit quantity
    ) as f;
    if coalesce(cardinality(v_found), 0) < quantity then
        perform internal.refuse_tracked(change, 'IV022', jsonb_build_object('requested', quantity,
            'available', coalesce(cardinality(v_found), 0)));
    end if;
    return v_found;
end
$$;

comment on function internal.oldest_serials(internal.tracked_change, bigint) is 'The units at a place that nobody has named, the oldest first.';
