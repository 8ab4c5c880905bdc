-- Writes the outcome of the confirm and cancel commands of a plain batch to their reservations, in id order. Its statement begins after the levels
-- were locked, so it sees what no longer changes. Raises 40001 unless each command has a reservation of its own that is open and not
-- due, with the one line that internal.lock_plain read: the batch is decided again, as any other.
create or replace function internal.close_plain(plain internal.settled[], instant timestamptz, version_floor bigint)
returns void
language plpgsql
volatile
set search_path = ''
set enable_hashjoin = off  -- a plan made while the tables were empty must not scan them later
set enable_mergejoin = off
set enable_seqscan = off
as $$
declare
    v_expected constant bigint := (select count(*) from unnest(plain) as p where p.op in ('confirm', 'cancel'));
    v_headers bigint;
    v_lines bigint;
    v_all_lines bigint;
begin
    with closed as materialized (
        select r.id, p.item_id, p.location_id, p.quantity, p.expires_at,
            case p.op when 'confirm' then 'COMMITTED' else 'RELEASED' end as status
        from unnest(plain) as p
        join inventory.reservation as r on r.id = p.reservation_id
        where p.op in ('confirm', 'cancel') and internal.is_open(r.status) and r.expires_at > instant
        order by r.id
        for no key update of r
    ), header as (
        update inventory.reservation as r
        set status = k.status, version = greatest(r.version + 1, close_plain.version_floor), updated_at = instant
        from closed as k
        where r.id = k.id
        returning r.id
    ), line as (
        update inventory.reservation_line as l
        set status = k.status, confirmed = case k.status when 'COMMITTED' then l.quantity else 0 end
        from closed as k
        where l.reservation_id = k.id and l.item_id = k.item_id and l.location_id = k.location_id
            and (l.quantity, l.backordered, l.expires_at) = (k.quantity, 0, k.expires_at) and internal.is_open(l.status)
        returning l.reservation_id
    )
    select (select count(*) from header), (select count(*) from line),
        (select count(*) from closed as k join inventory.reservation_line as l on l.reservation_id = k.id)
    into v_headers, v_lines, v_all_lines;
    if (v_headers, v_lines, v_all_lines) <> (v_expected, v_expected, v_expected) then
        raise exception 'a reservation has just changed' using errcode = '40001';
    end if;
end
$$;

comment on function internal.close_plain(internal.settled[], timestamptz, bigint) is 'Writes the outcome of confirm and cancel in a plain batch to their reservations.';
