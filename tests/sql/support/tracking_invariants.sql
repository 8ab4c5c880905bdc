-- Rules about lots and serial numbers that hold after any history. Each row of the answer is one violation: rule, key, what was found.
with lots as (
    select l.item_id, l.location_id, sum(l.on_hand) as on_hand, sum(l.reserved) as reserved, sum(l.damaged) as damaged,
        min(l.ends_at) filter (where l.on_hand > l.reserved) as first_end
    from inventory.lot_level as l
    group by l.item_id, l.location_id
), units as (
    select s.item_id, s.location_id, count(*) filter (where s.status = 'in_stock') as on_hand,
        count(*) filter (where s.status = 'in_stock' and s.reservation_id is not null) as reserved,
        count(*) filter (where s.status = 'damaged') as damaged,
        count(*) filter (where s.status = 'in_transit') as in_transit
    from inventory.serial as s
    where s.location_id is not null
    group by s.item_id, s.location_id
), lot_units as (
    select s.item_id, s.location_id, s.lot_id, count(*) filter (where s.status = 'in_stock') as on_hand,
        count(*) filter (where s.status = 'in_stock' and s.reservation_id is not null) as reserved,
        count(*) filter (where s.status = 'damaged') as damaged
    from inventory.serial as s
    where s.location_id is not null and s.lot_id is not null and s.status <> 'in_transit'
    group by s.item_id, s.location_id, s.lot_id
), held as (
    select r.item_id, r.location_id, r.lot_id, sum(r.quantity) as quantity
    from inventory.reservation_lot as r
    group by r.item_id, r.location_id, r.lot_id
), sold as (
    select m.reservation_id, m.item_id, m.location_id, -sum(m.on_hand_delta) as quantity
    from inventory.stock_movement as m
    where m.type = 'commit'
    group by m.reservation_id, m.item_id, m.location_id
)
select 'the lots of a stock level add up to it' as rule,
    concat_ws(' ', i.sku, s.location_id) as key,
    concat_ws(' ', 'level', s.on_hand, s.reserved, s.damaged, 'lots', l.on_hand, l.reserved, l.damaged) as found
from inventory.stock_level as s
join inventory.item as i on i.id = s.item_id and i.tracking = 'lot'
left join lots as l on l.item_id = s.item_id and l.location_id = s.location_id
where (s.on_hand, s.reserved, s.damaged) <> (coalesce(l.on_hand, 0), coalesce(l.reserved, 0), coalesce(l.damaged, 0))
union all
select 'the serial numbers of a stock level add up to it',
    concat_ws(' ', i.sku, s.location_id),
    concat_ws(' ', 'level', s.on_hand, s.reserved, s.damaged, s.in_transit, 'units', u.on_hand, u.reserved, u.damaged, u.in_transit)
from inventory.stock_level as s
join inventory.item as i on i.id = s.item_id and i.tracking = 'serial'
left join units as u on u.item_id = s.item_id and u.location_id = s.location_id
where (s.on_hand, s.damaged, s.in_transit) <> (coalesce(u.on_hand, 0), coalesce(u.damaged, 0), coalesce(u.in_transit, 0))
    or u.reserved > s.reserved
union all
select 'the serial numbers of a lot add up to its balance',
    concat_ws(' ', i.sku, coalesce(l.location_id, u.location_id), t.code),
    concat_ws(' ', 'lot', l.on_hand, l.reserved, l.damaged, 'units', u.on_hand, u.reserved, u.damaged)
from inventory.lot_level as l
full join lot_units as u on u.item_id = l.item_id and u.location_id = l.location_id and u.lot_id = l.lot_id
join inventory.item as i on i.id = coalesce(l.item_id, u.item_id) and i.tracking = 'serial'
join inventory.lot as t on t.id = coalesce(l.lot_id, u.lot_id)
where (coalesce(l.on_hand, 0), coalesce(l.reserved, 0), coalesce(l.damaged, 0))
    <> (coalesce(u.on_hand, 0), coalesce(u.reserved, 0), coalesce(u.damaged, 0))
union all
select 'replaying the movements of a lot gives its balance',
    concat_ws(' ', l.item_id, l.location_id, l.lot_id),
    concat_ws(' ', 'balance', l.on_hand, l.reserved, l.damaged, 'sums', sum(m.on_hand_delta), sum(m.reserved_delta), sum(m.damaged_delta))
from inventory.lot_level as l
left join inventory.lot_movement as m on m.item_id = l.item_id and m.location_id = l.location_id and m.lot_id = l.lot_id
group by l.item_id, l.location_id, l.lot_id
having (l.on_hand, l.reserved, l.damaged, l.version)
    is distinct from (sum(m.on_hand_delta), sum(m.reserved_delta), sum(m.damaged_delta), max(m.version))
union all
select 'the lots of a movement add up to it',
    concat_ws(' ', m.item_id, m.location_id, 'version', m.version),
    concat_ws(' ', 'ledger', k.type, k.on_hand_delta, k.reserved_delta, k.damaged_delta, 'lots', sum(m.on_hand_delta), sum(m.reserved_delta),
        sum(m.damaged_delta))
from inventory.lot_movement as m
join inventory.item as i on i.id = m.item_id and i.tracking = 'lot'
left join inventory.stock_movement as k
    on k.item_id = m.item_id and k.location_id = m.location_id and k.version = m.version and k.recorded_at = m.recorded_at
group by m.item_id, m.location_id, m.version, k.type, k.on_hand_delta, k.reserved_delta, k.damaged_delta
having (sum(m.on_hand_delta), sum(m.reserved_delta), sum(m.damaged_delta))
    is distinct from (k.on_hand_delta::numeric, k.reserved_delta::numeric, k.damaged_delta::numeric)
union all
select 'what is reserved of a lot is what reservations hold of it',
    concat_ws(' ', coalesce(l.item_id, h.item_id), coalesce(l.location_id, h.location_id), coalesce(l.lot_id, h.lot_id)),
    concat_ws(' ', 'reserved', l.reserved, 'held', h.quantity)
from inventory.lot_level as l
full join held as h on h.item_id = l.item_id and h.location_id = l.location_id and h.lot_id = l.lot_id
where coalesce(l.reserved, 0) <> coalesce(h.quantity, 0)
union all
select 'the lots of a reservation line add up to what it holds',
    concat_ws(' ', r.reservation_id, r.item_id, r.location_id),
    concat_ws(' ', r.status, r.quantity, 'waiting', r.backordered, 'lots', sum(h.quantity))
from inventory.reservation_line as r
join inventory.item as i on i.id = r.item_id and i.tracking = 'lot'
left join inventory.reservation_lot as h
    on h.reservation_id = r.reservation_id and h.item_id = r.item_id and h.location_id = r.location_id
group by r.reservation_id, r.item_id, r.location_id
having coalesce(sum(h.quantity), 0) <> case r.status when 'PENDING' then r.quantity - r.backordered else 0 end
union all
select 'the lots that a reservation sold add up to what it sold',
    concat_ws(' ', h.reservation_id, h.item_id, h.location_id),
    concat_ws(' ', 'sold', k.quantity, 'lots', sum(h.confirmed))
from inventory.reservation_lot as h
join inventory.item as i on i.id = h.item_id and i.tracking = 'lot'
left join sold as k on k.reservation_id = h.reservation_id and k.item_id = h.item_id and k.location_id = h.location_id
group by h.reservation_id, h.item_id, h.location_id, k.quantity
having sum(h.confirmed) <> coalesce(k.quantity, 0)
union all
select 'the lots of a transfer add up to it',
    concat_ws(' ', t.transfer_id, t.item_id),
    concat_ws(' ', 'line', t.shipped, t.received, t.damaged, t.lost, t.returned, 'lots', sum(l.shipped), sum(l.received), sum(l.damaged),
        sum(l.lost), sum(l.returned))
from inventory.transfer_line as t
join inventory.transfer_lot as l on l.transfer_id = t.transfer_id and l.item_id = t.item_id
join inventory.item as i on i.id = t.item_id and i.tracking = 'lot'
group by t.transfer_id, t.item_id
having (t.shipped, t.received, t.damaged, t.lost, t.returned)
    is distinct from (sum(l.shipped), sum(l.received), sum(l.damaged), sum(l.lost), sum(l.returned))
union all
select 'the end of a lot is the same wherever it lies',
    concat_ws(' ', l.item_id, l.location_id, t.code),
    concat_ws(' ', 'there', l.ends_at, 'lot', t.expires_at, t.recalled_at)
from inventory.lot_level as l
join inventory.lot as t on t.id = l.lot_id
where l.ends_at is distinct from least(t.expires_at, t.recalled_at)
union all
select 'no lot that is free ends before next_hold_at',
    concat_ws(' ', i.sku, s.location_id),
    concat_ws(' ', 'next_hold_at', s.next_hold_at, 'first end', l.first_end)
from inventory.stock_level as s
join inventory.item as i on i.id = s.item_id and i.tracking <> 'none'
join lots as l on l.item_id = s.item_id and l.location_id = s.location_id
where l.first_end < coalesce(s.next_hold_at, 'infinity') and s.available > 0
union all
select 'the last movement of a serial number is what became of it',
    concat_ws(' ', s.item_id, s.serial),
    concat_ws(' ', s.status, s.version, 'history', m.status, m.serial_version)
from inventory.serial as s
left join lateral (
    select h.status, h.serial_version
    from inventory.serial_movement as h
    where h.item_id = s.item_id and h.serial = s.serial
    order by h.serial_version desc
    limit 1
) as m on true
where (s.status, s.version) is distinct from (m.status, m.serial_version)
