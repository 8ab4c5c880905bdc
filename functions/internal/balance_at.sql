-- A stock level as the ledger had it at an instant; no row if it was not there yet. Begins at the closing balance of the last closed month,
-- so that the movements of one month (and of those that are not closed yet) are looked at, however long the history is.
create or replace function internal.balance_at(item_id uuid, location_id text, instant timestamptz, out version bigint,
    out on_hand bigint, out reserved bigint, out in_transit bigint, out backordered bigint, out damaged bigint, out incoming bigint,
    out last_recorded_at timestamptz)
returns setof record
language sql
stable
rows 1
set search_path = ''
as $$
    with base as materialized (
        select internal.base_month(instant) as month
    )
    select c.version, c.on_hand, c.reserved, c.in_transit, c.backordered, c.damaged, c.incoming, c.last_recorded_at
    from inventory.closing_balance as c
    where c.month = (select b.month from base as b)
        and c.item_id = balance_at.item_id and c.location_id = balance_at.location_id
    union all
    (select m.version, m.on_hand, m.reserved, m.in_transit, m.backordered, m.damaged, m.incoming, m.recorded_at
        from inventory.stock_movement as m
        where m.item_id = balance_at.item_id and m.location_id = balance_at.location_id
            and m.recorded_at >= (select coalesce(internal.month_end(b.month), '-infinity') from base as b)
            and m.recorded_at <= instant
        order by m.version desc
        limit 1)
    -- The highest version counts: a clock that was set back may have recorded it in the month before.
    order by version desc
    limit 1
$$;

comment on function internal.balance_at(uuid, text, timestamptz) is 'A stock level as the ledger had it at an instant.';
