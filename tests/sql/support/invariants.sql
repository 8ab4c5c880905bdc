-- Rules that hold after any history, whatever ran at once. Each row of the answer is one violation: rule, key, what was found.
with running as (
    select m.*,
        lag(m.version) over history as version_before,
        sum(m.on_hand_delta) over history as on_hand_sum,
        sum(m.reserved_delta) over history as reserved_sum,
        sum(m.in_transit_delta) over history as in_transit_sum,
        sum(m.backordered_delta) over history as backordered_sum,
        sum(m.damaged_delta) over history as damaged_sum,
        sum(m.incoming_delta) over history as incoming_sum,
        lead(m.version) over history is null as is_last
    from inventory.stock_movement as m
    window history as (partition by m.item_id, m.location_id order by m.version)
), pending as (
    select l.item_id, l.location_id, sum(l.quantity - l.backordered) as quantity, sum(l.backordered) as backordered,
        min(l.expires_at) as first_deadline,
        coalesce(bool_or(l.backordered > 0 and l.expires_at > clock_timestamp()), false) as waits
    from inventory.reservation_line as l
    where l.status = 'PENDING'
    group by l.item_id, l.location_id
), ending as (
    -- When availability changes by itself: a hold ends, or a lot of which something is free.
    select e.item_id, e.location_id, min(e.at) as at
    from (
        select p.item_id, p.location_id, p.first_deadline from pending as p
        union all
        select l.item_id, l.location_id, l.ends_at from inventory.lot_level as l where l.on_hand > l.reserved
    ) as e (item_id, location_id, at)
    where e.at is not null
    group by e.item_id, e.location_id
), underway as (
    select l.item_id, t.to_location as location_id, sum(l.shipped - l.received - l.damaged - l.lost - l.returned) as in_transit
    from inventory.transfer as t
    join inventory.transfer_line as l on l.transfer_id = t.id
    group by l.item_id, t.to_location
), ordered as (
    select l.item_id, o.location_id, sum(greatest(l.ordered - l.received - l.damaged - l.cancelled, 0)) as incoming
    from inventory.purchase_order as o
    join inventory.purchase_order_line as l on l.purchase_order_id = o.id
    group by l.item_id, o.location_id
), moved as (
    select m.reservation_id, m.item_id, m.location_id, sum(m.on_hand_delta) as on_hand, sum(m.reserved_delta) as reserved,
        sum(m.backordered_delta) as backordered
    from inventory.stock_movement as m
    where m.reservation_id is not null
    group by m.reservation_id, m.item_id, m.location_id
)
-- f06: replaying the ledger gives the balance at every version.
select 'ledger replay equals the values after each movement' as rule,
    concat_ws(' ', r.item_id, r.location_id, 'version', r.version) as key,
    concat_ws(' ', 'sums', r.on_hand_sum, r.reserved_sum, 'values', r.on_hand, r.reserved, r.available) as found
from running as r
where (r.on_hand_sum, r.reserved_sum, r.in_transit_sum, r.backordered_sum, r.damaged_sum, r.incoming_sum, r.on_hand - r.reserved)
    is distinct from (r.on_hand::numeric, r.reserved::numeric, r.in_transit::numeric, r.backordered::numeric, r.damaged::numeric,
        r.incoming::numeric, r.available)
union all
select 'the last movement is the stock level',
    concat_ws(' ', s.item_id, s.location_id),
    concat_ws(' ', 'level', s.on_hand, s.reserved, s.available, s.version, 'ledger', r.on_hand, r.reserved, r.available, r.version)
from inventory.stock_level as s
full join (select * from running where is_last) as r on r.item_id = s.item_id and r.location_id = s.location_id
where (s.on_hand, s.reserved, s.in_transit, s.backordered, s.damaged, s.incoming, s.available, s.version)
    is distinct from (r.on_hand, r.reserved, r.in_transit, r.backordered, r.damaged, r.incoming, r.available, r.version)
union all
-- A version follows the one before, or is the first of an epoch.
select 'versions have no gap and none comes twice',
    concat_ws(' ', r.item_id, r.location_id),
    concat_ws(' ', coalesce(r.version_before, 0), 'then', r.version)
from running as r
where r.version <> coalesce(r.version_before, 0) + 1
    and not exists (select from inventory.epoch as e where e.version_floor = r.version and e.version_floor > coalesce(r.version_before, 0))
union all
-- f07: what is reserved, and what waits for stock, is what open reservations say.
select 'reserved and backordered equal the sums of pending lines',
    concat_ws(' ', coalesce(s.item_id, p.item_id), coalesce(s.location_id, p.location_id)),
    concat_ws(' ', 'level', s.reserved, s.backordered, 'pending', p.quantity, p.backordered)
from inventory.stock_level as s
full join pending as p on p.item_id = s.item_id and p.location_id = s.location_id
where (s.reserved, s.backordered) is distinct from (coalesce(p.quantity, 0)::bigint, coalesce(p.backordered, 0)::bigint)
union all
select 'nobody waits for stock that is there',
    concat_ws(' ', s.item_id, s.location_id),
    concat_ws(' ', 'available', s.available, 'backordered', s.backordered)
from inventory.stock_level as s
join pending as p on p.item_id = s.item_id and p.location_id = s.location_id
join inventory.item as i on i.id = s.item_id
-- Of a lot that has ended there may be something left until it is taken off sale.
where p.waits and s.available > 0 and i.tracking = 'none'
union all
select 'in_transit is what open transfers have under way, incoming what open orders have',
    concat_ws(' ', coalesce(s.item_id, t.item_id, o.item_id), coalesce(s.location_id, t.location_id, o.location_id)),
    concat_ws(' ', 'level', s.in_transit, s.incoming, 'transfers', t.in_transit, 'orders', o.incoming)
from inventory.stock_level as s
full join underway as t on t.item_id = s.item_id and t.location_id = s.location_id
full join ordered as o on o.item_id = coalesce(s.item_id, t.item_id) and o.location_id = coalesce(s.location_id, t.location_id)
where (s.in_transit, s.incoming) is distinct from (coalesce(t.in_transit, 0)::bigint, coalesce(o.incoming, 0)::bigint)
union all
select 'a transfer is open while something is under way',
    t.id::text, concat_ws(' ', t.status, l.open)
from inventory.transfer as t
left join lateral (
    select sum(l.shipped - l.received - l.damaged - l.lost - l.returned) as open
    from inventory.transfer_line as l
    where l.transfer_id = t.id
) as l on true
where (t.status = 'IN_TRANSIT') is distinct from (l.open > 0)
union all
select 'available is on_hand less reserved, status follows, nothing is below zero',
    concat_ws(' ', s.item_id, s.location_id),
    concat_ws(' ', s.on_hand, s.reserved, s.available, s.status, s.policy)
from inventory.stock_level as s
where s.available <> s.on_hand - s.reserved
    or s.status <> case when s.policy = 'unlimited' then 'in_stock' when s.available <= 0 then 'out_of_stock'
        when s.available <= greatest(s.safety_stock, s.reorder_point) then 'low_stock' else 'in_stock' end
    or least(s.reserved, s.in_transit, s.backordered, s.damaged, s.incoming) < 0
    or (s.policy in ('deny', 'backorder') and least(s.on_hand, s.available) < 0)
union all
select 'a hold or a lot ends at next_hold_at, and none before',
    concat_ws(' ', s.item_id, s.location_id),
    concat_ws(' ', 'next_hold_at', s.next_hold_at, 'first end', e.at)
from inventory.stock_level as s
left join ending as e on e.item_id = s.item_id and e.location_id = s.location_id
where case when e.at is null then s.next_hold_at is not null
    else s.next_hold_at is null or s.next_hold_at > e.at end
union all
-- What the ledger says about a reservation is what became of it.
select 'the ledger of a reservation line matches its status',
    concat_ws(' ', l.reservation_id, l.item_id, l.location_id),
    concat_ws(' ', l.status, l.quantity, l.backordered, l.confirmed, 'ledger', m.on_hand, m.reserved, m.backordered)
from inventory.reservation_line as l
left join moved as m on m.reservation_id = l.reservation_id and m.item_id = l.item_id and m.location_id = l.location_id
where (m.on_hand, m.reserved, m.backordered) is distinct from (
    case l.status when 'COMMITTED' then -l.confirmed else 0 end::numeric,
    case l.status when 'PENDING' then l.quantity - l.backordered else 0 end::numeric, l.backordered::numeric)
    or l.status <> 'COMMITTED' and l.confirmed <> 0 or l.status <> 'PENDING' and l.backordered <> 0
union all
select 'the lines of a reservation that is closed are closed the same way',
    concat_ws(' ', r.id, l.item_id, l.location_id),
    concat_ws(' ', r.status, l.status)
from inventory.reservation as r
join inventory.reservation_line as l on l.reservation_id = r.id
where r.status <> 'PENDING' and l.status <> r.status
    or r.status = 'PENDING' and l.status in ('COMMITTED', 'RELEASED')
