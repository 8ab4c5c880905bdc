-- Makes sure that the level of every line is among those that are locked. A reservation may have come to another place while its levels were
-- waited for; to lock that place now could deadlock: raises 40001, and the batch is decided again.
create or replace function internal.check_covered(lines internal.line[], levels internal.level[])
returns void
language plpgsql
immutable
set search_path = ''
as $$
begin
    if exists (
        select from unnest(lines) as l
        left join unnest(levels) as v on v.item_id = l.item_id and v.location_id = l.location_id
        where l.code is null and v.item_id is null)
    then
        raise exception 'what a reservation holds has come to another place' using errcode = '40001';
    end if;
end
$$;

comment on function internal.check_covered(internal.line[], internal.level[]) is 'Makes sure that the level of every line is locked.';
