-- The commands of a plain batch, decided on their levels, which are locked in (item_id, location_id) order: running balances in command order.
-- Null if one of them does not fit or is not plain: by its form, its item or location, a missing or empty level, a hold that is due, a level that
-- needs special treatment; a reservation that is unknown or closed or has several lines. Locks taken by then are kept. They are all that whoever
-- decides the batch instead will take, unless it closes reservations, which may have been moved meanwhile.
create or replace function internal.lock_plain(commands jsonb, source text, version_floor bigint)
returns internal.settled[]
language sql
volatile
set search_path = ''
set enable_seqscan = off  -- a plan made while the tables were small must not scan them later
as $$
    with command as materialized (
        select (e.ordinal - 1)::integer as ordinal, e.body, e.body ->> 'op' as op, e.body ->> 'sku' as sku,
            e.body ->> 'location' as location_id, (e.body -> 'quantity')::bigint as quantity, null::uuid as reservation_id,
            null::timestamptz as closes, true as is_open
        from jsonb_array_elements(commands) with ordinality as e (body, ordinal)
        where not e.body ? 'reservation_id'
        union all
        -- Every line of the reservation: more than one, and the rows are more than the commands. internal.close_plain looks again, under the locks.
        select (e.ordinal - 1)::integer, e.body, e.body ->> 'op', h.sku, h.location_id, h.quantity, h.reservation_id, h.expires_at, h.is_open
        from jsonb_array_elements(commands) with ordinality as e (body, ordinal)
        cross join lateral (
            select i.sku, l.location_id, l.quantity, l.reservation_id, l.expires_at, internal.is_open(l.status) and l.backordered = 0 as is_open
            from inventory.reservation_line as l
            cross join lateral (select i.sku from inventory.item as i where i.id = l.item_id limit 1) as i
            where l.reservation_id = (e.body ->> 'reservation_id')::uuid
            limit 2
        ) as h
        where e.body ? 'reservation_id'
    ), named as materialized (
        select distinct c.sku, c.location_id from command as c
    ), key as materialized (
        select row_number() over (order by i.id, l.id) as position, i.id as item_id, i.sku, l.id as location_id
        from named as n
        -- One look-up for each key: a join might be planned for few rows, and stay one when there are many.
        cross join lateral (
            select i.id, i.sku, i.kind, i.tracking, i.status from inventory.item as i where i.sku = n.sku limit 1
        ) as i
        cross join lateral (
            select l.id, l.status from inventory.location as l where l.id = n.location_id limit 1
        ) as l
        where i.kind = 'physical' and i.tracking = 'none' and i.status = 'active' and l.status = 'open'
        order by i.id, l.id
    ), ready as materialized (
        -- Nothing is locked unless everything can be: whoever decides the batch instead would come to lock other rows before these.
        select count(*) = (select count(*) from named)
            and (select count(*) = jsonb_array_length(commands) and bool_and(c.is_open) from command as c) as ready
        from key as k
        cross join lateral (
            select from inventory.stock_level as s where s.item_id = k.item_id and s.location_id = k.location_id limit 1
        ) as s
    ), level as materialized (
        -- Locked one by one, in the order of the keys; see internal.lock_levels.
        select k.position, k.sku, internal.plain_answer_start(k.sku, k.item_id, k.location_id) as answer_start, s.*
        from (select k.* from key as k where (select r.ready from ready as r) offset 0) as k
        cross join lateral (
            select s.item_id, s.location_id, s.on_hand, s.reserved, s.in_transit, s.backordered, s.damaged, s.incoming,
                greatest(s.safety_stock, s.reorder_point) as threshold, s.policy, s.version, s.next_hold_at
            from inventory.stock_level as s
            where s.item_id = k.item_id and s.location_id = k.location_id
            for no key update of s
        ) as s
    ), effect as (
        select c.*, case c.op when 'reserve' then 0 when 'cancel' then 0 when 'remove' then -c.quantity when 'confirm' then -c.quantity
                else c.quantity end as on_hand_delta,
            case c.op when 'reserve' then c.quantity when 'confirm' then -c.quantity when 'cancel' then -c.quantity else 0 end as reserved_delta,
            case c.op when 'reserve' then clock_timestamp()
                + coalesce((c.body -> 'expires_in_seconds')::double precision, 900) * interval '1 second' end as opens
        from command as c
    ), decided as materialized (
        -- At most 1,000 quantities of at most 10^12: exact in double precision, whose sums take a fraction of the time of numeric ones.
        select e.ordinal, e.op, e.body, e.quantity, e.on_hand_delta, e.reserved_delta, e.reservation_id, e.opens, e.closes,
            v.item_id, v.location_id, v.answer_start,
            v.in_transit, v.backordered, v.damaged, v.incoming, v.threshold, v.policy,
            -- Where nothing is, the item may have been changed since it was read.
            v.policy in ('deny', 'oversell') and v.backordered = 0 and coalesce(v.next_hold_at > clock_timestamp(), true)
                and (v.on_hand <> 0 or v.reserved <> 0) as plain,
            v.on_hand + (sum(e.on_hand_delta::double precision) over earlier)::bigint as on_hand,
            v.reserved + (sum(e.reserved_delta::double precision) over earlier)::bigint as reserved,
            greatest(v.version + 1, lock_plain.version_floor) + row_number() over earlier - 1 as version,
            lead(e.ordinal) over earlier is null as is_last,
            min(e.opens) over earlier as opened_deadline,
            min(e.closes) over earlier as closed_deadline
        from effect as e
        join level as v on v.sku = e.sku and v.location_id = e.location_id
        window earlier as (partition by v.position order by e.ordinal rows unbounded preceding)
    )
    select array_agg(row(
        d.ordinal, d.op, d.item_id, d.location_id, d.quantity, d.on_hand_delta, d.reserved_delta, n.reservation_id, d.body ->> 'owner',
        coalesce(d.opens, d.closes), d.body ->> 'idempotency_key', case when d.body ? 'idempotency_key' then internal.fingerprint(d.body) end,
        d.body ->> 'reason', d.body ->> 'reference', d.body ->> 'correlation_id', d.body ->> 'user_id',
        coalesce(d.body ->> 'source', lock_plain.source, 'sql'), d.body ->> 'traceparent',
        d.on_hand, d.reserved, d.in_transit, d.backordered, d.damaged, d.incoming, n.available, n.status, d.version, d.is_last, d.opened_deadline,
        d.closed_deadline,
        internal.plain_answer(d.answer_start, d.quantity, d.on_hand, d.reserved, n.available, n.status, d.version, d.op, n.reservation_id, d.opens)
    )::internal.settled)
    from decided as d
    cross join lateral (
        select d.on_hand - d.reserved as available, internal.stock_status(d.on_hand - d.reserved, d.threshold) as status,
            case d.op when 'reserve' then uuidv7() else d.reservation_id end as reservation_id
        offset 0
    ) as n
    where (
        select count(*) = jsonb_array_length(commands)
            and bool_and(f.plain and internal.fits(f.on_hand_delta - f.reserved_delta, f.on_hand, f.reserved, f.policy = 'oversell'))
        from decided as f)
$$;

comment on function internal.lock_plain(jsonb, text, bigint) is 'The commands of a plain batch, decided on their levels, which are locked in key order.';
