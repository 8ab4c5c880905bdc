-- The lines of the commands that are still to be decided: those of refused and replayed ones drop out, and so do those of
-- reservations, which are read again. Lines that name a sku are not: what was not read before is not locked.
create or replace function internal.open_lines(commands internal.command[], lines internal.line[])
returns internal.line[]
language sql
immutable
set search_path = ''
as $$
    select array_agg(l order by l.ordinal, l.item_id, l.location_id)
    from unnest(lines) as l
    join unnest(commands) as c on c.ordinal = l.ordinal
    where c.code is null and c.replay is null and l.movement not in ('commit', 'release', 'expire')
$$;

comment on function internal.open_lines(internal.command[], internal.line[]) is 'The lines with a sku of the commands that are still to be decided.';
