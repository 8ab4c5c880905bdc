-- Marks reservations EXPIRED whose last pending line was freed. In id order; what another session frees at the same moment
-- is left to the sweeper.
create or replace function internal.close_empty_reservations(ids uuid[], instant timestamptz)
returns void
language sql
volatile
set search_path = ''
as $$
    with emptied as materialized (
        select r.id
        from inventory.reservation as r
        where r.id = any (ids) and internal.is_open(r.status)
            and not exists (
                select from inventory.reservation_line as l where l.reservation_id = r.id and internal.is_open(l.status))
        order by r.id
        for no key update of r
    )
    update inventory.reservation as r
    set status = 'EXPIRED', version = greatest(r.version + 1, (select internal.version_floor())), updated_at = instant
    from emptied as e
    where r.id = e.id
$$;

comment on function internal.close_empty_reservations(uuid[], timestamptz) is 'Marks reservations EXPIRED whose last pending line was freed.';
