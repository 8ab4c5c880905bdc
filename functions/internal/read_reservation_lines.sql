-- What confirming, cancelling or expiring reservations does to which stock_level: their lines that are still pending.
create or replace function internal.read_reservation_lines(commands internal.command[])
returns internal.line[]
language sql
stable
set search_path = ''
set enable_hashjoin = off  -- a plan made while the tables were empty must not scan them later
set enable_mergejoin = off
set enable_seqscan = off
as $$
    select array_agg(row(
        c.ordinal, r.item_id, i.sku, r.location_id,
        case c.op when 'confirm' then 'commit' when 'cancel' then 'release' else 'expire' end,
        r.quantity,
        case when c.op = 'confirm' then -r.quantity else 0 end,
        -r.quantity,
        null, r.expires_at, null, null, null, r.reservation_id, null,
        jsonb_build_object('sku', i.sku, 'location', r.location_id, 'requested', r.quantity),
        i.kind <> 'physical' or i.tracking <> 'none' or r.backordered > 0
    )::internal.line order by c.ordinal, r.item_id, r.location_id)
    from unnest(commands) as c
    join inventory.reservation_line as r on r.reservation_id = c.reservation_id and internal.is_open(r.status)
    join inventory.item as i on i.id = r.item_id
    where c.op in ('confirm', 'cancel', 'expire') and c.code is null and c.replay is null
$$;

comment on function internal.read_reservation_lines(internal.command[]) is 'What closing reservations does to which stock_level.';
