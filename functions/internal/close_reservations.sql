-- Writes the outcome of accepted confirm, cancel and expire commands to their reservations, in id order.
create or replace function internal.close_reservations(commands internal.command[], instant timestamptz)
returns void
language sql
volatile
set search_path = ''
set enable_hashjoin = off  -- a plan made while the tables were empty must not scan them later
set enable_mergejoin = off
set enable_seqscan = off
as $$
    with closed as materialized (
        select r.id, case c.op when 'confirm' then 'COMMITTED' when 'cancel' then 'RELEASED' else 'EXPIRED' end as status
        from unnest(commands) as c
        join inventory.reservation as r on r.id = c.reservation_id
        where c.op in ('confirm', 'cancel', 'expire') and c.code is null and c.replay is null and internal.is_open(r.status)
        order by r.id
        for no key update of r
    ), header as (
        update inventory.reservation as r
        set status = k.status, version = greatest(r.version + 1, (select internal.version_floor())), updated_at = instant
        from closed as k
        where r.id = k.id
    )
    update inventory.reservation_line as l
    set status = k.status, confirmed = case k.status when 'COMMITTED' then l.quantity else 0 end
    from closed as k
    where l.reservation_id = k.id and internal.is_open(l.status)
$$;

comment on function internal.close_reservations(internal.command[], timestamptz) is 'Writes the outcome of confirm, cancel and expire to their reservations.';
