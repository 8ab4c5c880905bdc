-- Balances at an instant in the past: holds that had run out by then hold nothing, and what was free of lots that had ended by then is
-- damaged, whether or not somebody had written so. by_occurrence: also what was recorded only later, and had happened by then. Settings are those of that instant either way; when the next hold ends is not kept. Refuses instants whose movements
-- were retired (IV033).
create or replace function internal.stock_level_as_of(sku text, location text, instant timestamptz, by_occurrence boolean)
returns setof api.stock_state
language plpgsql
stable
set search_path = ''
as $$
begin
    perform internal.check_history(instant);
    return query
    select i.sku, s.item_id, s.location_id, t.on_hand - e.ended, t.reserved, t.on_hand - e.ended - t.reserved, t.in_transit,
        t.backordered, t.damaged + e.ended, v.safety_stock, v.reorder_point, v.policy,
        internal.level_status(v.policy, t.on_hand - e.ended - t.reserved, greatest(v.safety_stock, v.reorder_point)),
        greatest(b.version, l.version), null::timestamptz, greatest(b.last_recorded_at, l.occurred_at), t.incoming
    from inventory.item as i
    join inventory.stock_level as s on s.item_id = i.id
    left join lateral internal.balance_at(s.item_id, s.location_id, instant) as b on true
    cross join lateral internal.reported_later(s.item_id, s.location_id, case when by_occurrence then instant end) as l
    cross join lateral internal.due_quantity_then(s.item_id, s.location_id, instant, by_occurrence) as d
    cross join lateral (
        select coalesce(b.on_hand, 0) + l.on_hand as on_hand, coalesce(b.reserved, 0) + l.reserved - d.reserved as reserved,
            coalesce(b.in_transit, 0) + l.in_transit as in_transit,
            coalesce(b.backordered, 0) + l.backordered - d.backordered as backordered,
            coalesce(b.damaged, 0) + l.damaged as damaged, coalesce(b.incoming, 0) + l.incoming as incoming
    ) as t
    cross join lateral (select case when i.tracking = 'none' then 0
        else internal.due_lots_then(s.item_id, s.location_id, coalesce(b.version, 0), instant, t.on_hand - t.reserved) end) as e (ended)
    cross join lateral jsonb_to_record(internal.settings_of(s.item_id, s.location_id, coalesce(b.version, 0)))
        as v (safety_stock bigint, reorder_point bigint, policy text)
    where i.sku = stock_level_as_of.sku
        and (stock_level_as_of.location is null or s.location_id = stock_level_as_of.location)
        and (b.version is not null or l.version is not null)
    order by s.location_id;
end
$$;

comment on function internal.stock_level_as_of(text, text, timestamptz, boolean) is 'Balances at an instant in the past, from the ledger.';
