-- These locked levels as this transaction has changed them since. A key that had no row when they were locked stays empty, although
-- somebody may have made one meanwhile: to lock it now, after rows of higher keys, could deadlock.
create or replace function internal.held_levels(levels internal.level[])
returns internal.level[]
language sql
volatile
set search_path = ''
set enable_hashjoin = off  -- a plan made while the table was empty must not scan it later
set enable_mergejoin = off
set enable_seqscan = off
as $$
    select array_agg(case when v.found then row(
        v.position, s.item_id, s.location_id, s.on_hand, s.reserved, s.in_transit, s.backordered, s.damaged,
        greatest(s.safety_stock, s.reorder_point), s.policy = 'oversell', s.version, greatest(s.version + 1, f.version_floor),
        s.next_hold_at, true, s.incoming, s.policy in ('backorder', 'unlimited') or s.backordered > 0
    )::internal.level else v end order by v.position)
    from unnest(levels) as v
    left join inventory.stock_level as s on v.found and s.item_id = v.item_id and s.location_id = v.location_id
    cross join (select internal.version_floor()) as f (version_floor)
$$;

comment on function internal.held_levels(internal.level[]) is 'Locked levels as this transaction has changed them since.';
