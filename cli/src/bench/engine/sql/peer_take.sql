-- The peer's transaction as one statement: the most that can be had without rules beyond these three tables.
with taken as (
    update peer.stock as s
    set reserved = s.reserved + $2, updated_at = now()
    where s.id = $1 and s.on_hand - s.reserved >= $2
    returning s.id
), moved as (
    insert into peer.movement (stock_id, kind, quantity)
    select t.id, 'reserve', $2
    from taken as t
)
insert into peer.reservation (stock_id, quantity, expires_at)
select t.id, $2, now() + interval '1 day'
from taken as t
returning id
