-- Gives one reservation its last status.
create or replace function internal.close_reservation(id uuid, status text, instant timestamptz)
returns void
language sql
volatile
set search_path = ''
as $$
    update inventory.reservation as r
    set status = close_reservation.status, version = greatest(r.version + 1, internal.version_floor()), updated_at = instant
    where r.id = close_reservation.id
$$;

comment on function internal.close_reservation(uuid, text, timestamptz) is 'Gives one reservation its last status.';
