-- A part of the history: movements from $4 to before $5, of $3 that are spread evenly over the months before this one.
insert into inventory.stock_movement (item_id, location_id, version, type, on_hand_delta, on_hand, reserved, in_transit, backordered,
    damaged, available, reference, source, occurred_at, recorded_at)
select bench.item_id(k.level / $2::bigint), 'W' || (k.level % $2::bigint + 1), k.round + 1, k.type,
    case when k.round = 0 then $7::bigint when k.type = 'receipt' then 1 else -1 end, k.on_hand, 0, 0, 0,
    0, k.on_hand, 'ORDER-' || i, 'bench', k.at, k.at
from generate_series($4::bigint, $5::bigint - 1) as i
cross join lateral (
    select bench.level_of(i, $1::bigint) as level, i / $1::bigint as round,
        case when i / $1::bigint % 2 = 0 then 'receipt' else 'removal' end as type,
        $7::bigint - i / $1::bigint % 2 as on_hand,
        date_trunc('month', now(), 'UTC') - make_interval(months => $6::integer)
            + (date_trunc('month', now(), 'UTC') - (date_trunc('month', now(), 'UTC') - make_interval(months => $6::integer)))
                * (i::double precision / $3::bigint) as at
) as k
