-- Rules that hold after any history, whatever ran at once. Each row of the answer is one violation: rule, key, what was found.
with running as (
    select m.*,
        lag(m.version) over history as version_before,
        sum(m.on_hand_delta) over history as on_hand_sum,
        sum(m.reserved_delta) over history as reserved_sum,
        sum(m.in_transit_delta) over history as in_transit_sum,
        sum(m.backordered_delta) over history as backordered_sum,
        sum(m.damaged_delta) over history as damaged_sum,
        lead(m.version) over history is null as is_last
    from inventory.stock_movement as m
    window history as (partition by m.item_id, m.location_id order by m.version)
), pending as (
    select l.item_id, l.location_id, sum(l.quantity) as quantity, min(l.expires_at) as first_deadline
    from inventory.reservation_line as l
    where l.status = 'PENDING'
    group by l.item_id, l.location_id
), moved as (
    select m.reservation_id, m.item_id, m.location_id, sum(m.on_hand_delta) as on_hand, sum(m.reserved_delta) as reserved
    from inventory.stock_movement as m
    where m.reservation_id is not null
    group by m.reservation_id, m.item_id, m.location_id
)
-- f06: replaying the ledger gives the balance at every version.
select 'ledger replay equals the values after each movement' as rule,
    concat_ws(' ', r.item_id, r.location_id, 'version', r.version) as key,
    concat_ws(' ', 'sums', r.on_hand_sum, r.reserved_sum, 'values', r.on_hand, r.reserved, r.available) as found
from running as r
where (r.on_hand_sum, r.reserved_sum, r.in_transit_sum, r.backordered_sum, r.damaged_sum, r.on_hand - r.reserved)
    is distinct from (r.on_hand::numeric, r.reserved::numeric, r.in_transit::numeric, r.backordered::numeric, r.damaged::numeric,
        r.available)
union all
select 'the last movement is the stock level',
    concat_ws(' ', s.item_id, s.location_id),
    concat_ws(' ', 'level', s.on_hand, s.reserved, s.available, s.version, 'ledger', r.on_hand, r.reserved, r.available, r.version)
from inventory.stock_level as s
full join (select * from running where is_last) as r on r.item_id = s.item_id and r.location_id = s.location_id
where (s.on_hand, s.reserved, s.in_transit, s.backordered, s.damaged, s.available, s.version)
    is distinct from (r.on_hand, r.reserved, r.in_transit, r.backordered, r.damaged, r.available, r.version)
union all
-- A version follows the one before, or is the first of an epoch.
select 'versions have no gap and none comes twice',
    concat_ws(' ', r.item_id, r.location_id),
    concat_ws(' ', coalesce(r.version_before, 0), 'then', r.version)
from running as r
where r.version <> coalesce(r.version_before, 0) + 1
    and not exists (select from inventory.epoch as e where e.version_floor = r.version and e.version_floor > coalesce(r.version_before, 0))
union all
-- f07: what is reserved is what open reservations hold.
select 'reserved equals the sum of pending lines',
    concat_ws(' ', coalesce(s.item_id, p.item_id), coalesce(s.location_id, p.location_id)),
    concat_ws(' ', 'reserved', s.reserved, 'pending', p.quantity)
from inventory.stock_level as s
full join pending as p on p.item_id = s.item_id and p.location_id = s.location_id
where s.reserved is distinct from coalesce(p.quantity, 0)
union all
select 'available is on_hand less reserved, status follows, nothing is below zero',
    concat_ws(' ', s.item_id, s.location_id),
    concat_ws(' ', s.on_hand, s.reserved, s.available, s.status, s.policy)
from inventory.stock_level as s
where s.available <> s.on_hand - s.reserved
    or s.status <> case when s.available <= 0 then 'out_of_stock'
        when s.available <= greatest(s.safety_stock, s.reorder_point) then 'low_stock' else 'in_stock' end
    or s.reserved < 0
    or (s.policy = 'deny' and (s.on_hand < 0 or s.available < 0))
union all
select 'no pending hold ends before next_hold_at',
    concat_ws(' ', s.item_id, s.location_id),
    concat_ws(' ', 'next_hold_at', s.next_hold_at, 'first deadline', p.first_deadline)
from inventory.stock_level as s
left join pending as p on p.item_id = s.item_id and p.location_id = s.location_id
where case when p.first_deadline is null then s.next_hold_at is not null
    else s.next_hold_at is null or s.next_hold_at > p.first_deadline end
union all
-- What the ledger says about a reservation is what became of it.
select 'the ledger of a reservation line matches its status',
    concat_ws(' ', l.reservation_id, l.item_id, l.location_id),
    concat_ws(' ', l.status, l.quantity, 'ledger', m.on_hand, m.reserved)
from inventory.reservation_line as l
left join moved as m on m.reservation_id = l.reservation_id and m.item_id = l.item_id and m.location_id = l.location_id
where (m.on_hand, m.reserved) is distinct from (
    case l.status when 'COMMITTED' then -l.quantity else 0 end::numeric,
    case l.status when 'PENDING' then l.quantity else 0 end::numeric)
union all
select 'the lines of a reservation that is closed are closed the same way',
    concat_ws(' ', r.id, l.item_id, l.location_id),
    concat_ws(' ', r.status, l.status)
from inventory.reservation as r
join inventory.reservation_line as l on l.reservation_id = r.id
where r.status <> 'PENDING' and l.status <> r.status
    or r.status = 'PENDING' and l.status in ('COMMITTED', 'RELEASED')
