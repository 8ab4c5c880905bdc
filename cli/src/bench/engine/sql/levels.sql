-- Levels as so many movements leave them: each has its opening stock, less one unit after every second movement. Levels that have no
-- movement yet have their opening stock all the same: to a writer, their ledger is just as good as retired.
insert into inventory.stock_level (item_id, location_id, on_hand, available, status, version, last_movement_at)
select bench.item_id(n / $2::bigint), 'W' || (n % $2::bigint + 1), h.on_hand, h.on_hand, 'in_stock', greatest(c.movements, 1),
    clock_timestamp()
from generate_series(0, $1::bigint - 1) as n
left join (
    select bench.level_of(i, $1::bigint) as level
    from generate_series($3::bigint / $1::bigint * $1::bigint, $3::bigint - 1) as i
) as l on l.level = n
cross join lateral (select $3::bigint / $1::bigint + (l.level is not null)::integer as movements) as c
cross join lateral (select $4::bigint - case when c.movements > 0 then (c.movements - 1) % 2 else 0 end as on_hand) as h
