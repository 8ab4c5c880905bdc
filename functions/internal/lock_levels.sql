-- Locks the stock_level rows of these lines in (item_id, location_id) order and returns them in that order.
-- Waits for whoever holds them: a balance is never skipped. A key that has no row yet comes back empty and not found.
create or replace function internal.lock_levels(lines internal.line[])
returns internal.level[]
language sql
volatile
set search_path = ''
set enable_hashjoin = off  -- a plan made while the table was empty must not scan it later
set enable_mergejoin = off
set enable_seqscan = off
as $$
    with key as materialized (
        select distinct l.item_id, l.location_id
        from unnest(lines) as l
        where l.item_id is not null and l.code is null
        order by l.item_id, l.location_id
    ), locked as materialized (
        -- Locked one by one, in the order of the keys. A join would drop rows: where several were changed while it waited for them,
        -- the check that Postgres makes of a changed row finds no partner for it in what is no table.
        select s.*
        from key as k
        cross join lateral (
            select s.*
            from inventory.stock_level as s
            where s.item_id = k.item_id and s.location_id = k.location_id
            for no key update of s
        ) as s
    ), level as (
        -- Every key once: its locked row, or an empty one.
        select a.*
        from (
            select s.item_id, s.location_id, s.on_hand, s.reserved, s.in_transit, s.backordered, s.damaged,
                greatest(s.safety_stock, s.reorder_point) as threshold, s.policy = 'oversell' as oversell,
                s.version, s.next_hold_at, true as found, s.incoming,
                s.policy in ('backorder', 'unlimited') or s.backordered > 0 as special
            from locked as s
            union all
            select k.item_id, k.location_id, 0, 0, 0, 0, 0, 0, false, 0, null, false, 0,
                internal.default_policy(k.item_id, k.location_id) <> 'deny'
            from key as k
            where not exists (select from locked as s where s.item_id = k.item_id and s.location_id = k.location_id)
        ) as a
    )
    select array_agg(row(
        v.position, v.item_id, v.location_id, v.on_hand, v.reserved, v.in_transit, v.backordered, v.damaged, v.threshold,
        v.oversell, v.version, greatest(v.version + 1, f.version_floor), v.next_hold_at, v.found, v.incoming, v.special
    )::internal.level order by v.position)
    from (select l.*, row_number() over (order by l.item_id, l.location_id)::integer as position from level as l) as v
    cross join (select internal.version_floor()) as f (version_floor)
$$;

comment on function internal.lock_levels(internal.line[]) is 'Locks the levels of these lines in key order and returns them.';
