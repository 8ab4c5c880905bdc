-- Writes the reservations of accepted reserve commands, with their lines. Raises 40001 if somebody else took an id first.
create or replace function internal.open_reservations(commands internal.command[], lines internal.line[], instant timestamptz)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_expected bigint;
    v_written bigint;
begin
    with header as (
        insert into inventory.reservation (id, owner, expires_at, reference, version, created_at, updated_at)
        select c.reservation_id, c.owner, c.expires_at, c.reference, greatest(1, (select internal.version_floor())), instant, instant
        from unnest(commands) as c
        where c.op = 'reserve' and c.code is null and c.replay is null
        order by c.reservation_id
        on conflict (id) do nothing
        returning id
    ), line as (
        insert into inventory.reservation_line (reservation_id, item_id, location_id, quantity, expires_at)
        select l.reservation_id, l.item_id, l.location_id, l.quantity, l.expires_at
        from unnest(lines) as l
        where l.movement = 'reserve' and l.version is not null
        on conflict do nothing
    )
    select (select count(*) from header),
        (select count(*) from unnest(commands) as c where c.op = 'reserve' and c.code is null and c.replay is null)
    into v_written, v_expected;
    if v_written < v_expected then
        raise exception 'another session used the reservation id first' using errcode = '40001';
    end if;
end
$$;

comment on function internal.open_reservations(internal.command[], internal.line[], timestamptz) is 'Writes the reservations of accepted reserve commands.';
