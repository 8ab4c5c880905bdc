-- The commands of a batch with the levels they are about, locked in (item_id, location_id) order; null if one of them is not plain: by its form,
-- its item or location, a missing or empty level, a hold that is due, a level that needs special treatment. Locks taken by then are kept, and are
-- all that whoever decides the batch instead will take.
create or replace function internal.lock_plain(commands jsonb, source text, version_floor bigint)
returns internal.plain[]
language sql
volatile
set search_path = ''
as $$
    with command as materialized (
        select (e.ordinal - 1)::integer as ordinal, e.body, e.body ->> 'op' as op, i.id as item_id, i.sku, l.id as location_id,
            (e.body -> 'quantity')::bigint as quantity
        from jsonb_array_elements(commands) with ordinality as e (body, ordinal)
        -- One look-up for each command: a join might be planned as a scan while the tables are small, and stay one when they are not.
        cross join lateral (
            select i.id, i.sku, i.kind, i.tracking, i.status from inventory.item as i where i.sku = e.body ->> 'sku' limit 1
        ) as i
        cross join lateral (
            select l.id, l.status from inventory.location as l where l.id = e.body ->> 'location' limit 1
        ) as l
        where i.kind = 'physical' and i.tracking = 'none' and i.status = 'active' and l.status = 'open'
    ), key as materialized (
        select distinct c.item_id, c.location_id from command as c order by c.item_id, c.location_id
    ), ready as materialized (
        -- Nothing is locked unless everything can be: whoever decides the batch instead would come to lock other rows before these.
        select count(*) = (select count(*) from key) and (select count(*) from command) = jsonb_array_length(commands) as ready
        from key as k
        cross join lateral (
            select from inventory.stock_level as s where s.item_id = k.item_id and s.location_id = k.location_id limit 1
        ) as s
    ), level as materialized (
        -- Locked one by one, in the order of the keys; see internal.lock_levels.
        select s.*
        from (select k.item_id, k.location_id from key as k where (select r.ready from ready as r) offset 0) as k
        cross join lateral (
            select s.item_id, s.location_id, s.on_hand, s.reserved, s.in_transit, s.backordered, s.damaged, s.incoming,
                greatest(s.safety_stock, s.reorder_point) as threshold, s.policy, s.version, s.next_hold_at
            from inventory.stock_level as s
            where s.item_id = k.item_id and s.location_id = k.location_id
            for no key update of s
        ) as s
    )
    select case when count(*) = jsonb_array_length(commands)
            and bool_and(v.policy in ('deny', 'oversell') and v.backordered = 0 and coalesce(v.next_hold_at > clock_timestamp(), true)
                -- Where nothing is, the item may have been changed since it was read.
                and (v.on_hand <> 0 or v.reserved <> 0))
        then array_agg(row(
            c.ordinal, c.op, c.item_id, c.sku, c.location_id, c.quantity,
            case c.op when 'reserve' then 0 when 'remove' then -c.quantity else c.quantity end,
            case c.op when 'reserve' then c.quantity else 0 end,
            case c.op when 'reserve' then uuidv7() end, c.body ->> 'owner',
            case c.op when 'reserve' then clock_timestamp()
                + coalesce((c.body -> 'expires_in_seconds')::double precision, 900) * interval '1 second' end,
            c.body ->> 'idempotency_key',
            case when c.body ? 'idempotency_key' then internal.fingerprint(c.body) end,
            c.body ->> 'reason', c.body ->> 'reference', c.body ->> 'correlation_id', c.body ->> 'user_id',
            coalesce(c.body ->> 'source', lock_plain.source, 'sql'), c.body ->> 'traceparent',
            v.on_hand, v.reserved, v.in_transit, v.backordered, v.damaged, v.incoming, v.threshold, v.policy = 'oversell',
            greatest(v.version + 1, lock_plain.version_floor)
        )::internal.plain) end
    from command as c
    join level as v on v.item_id = c.item_id and v.location_id = c.location_id
$$;

comment on function internal.lock_plain(jsonb, text, bigint) is 'The commands of a plain batch with the levels they are about, locked in key order.';
