-- How many units of an item a command can still have: at a location, or wherever its strategy looks; null = as many as it wants.
create or replace function internal.free_units(command internal.command, item_id uuid, location_id text, instant timestamptz)
returns numeric
language sql
volatile
set search_path = ''
as $$
    select case when not bool_or(c.policy in ('oversell', 'unlimited')) then sum(greatest(c.available, 0)) end
    from (
        select v.policy, v.available from internal.level_or_empty(item_id, location_id, instant) as v where free_units.location_id is not null
        union all
        select c.policy, c.available from internal.candidate_levels(command, item_id) as c where free_units.location_id is null
        union all
        select 'deny', 0
    ) as c
$$;

comment on function internal.free_units(internal.command, uuid, text, timestamptz) is 'How many units of an item a command can still have.';
