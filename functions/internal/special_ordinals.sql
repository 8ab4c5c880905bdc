-- Which commands of a batch are special: by what they ask for, by the item they name, or by the state of a level they touch.
create or replace function internal.special_ordinals(commands internal.command[], lines internal.line[], levels internal.level[])
returns integer[]
language sql
immutable
set search_path = ''
as $$
    select array(
        select c.ordinal from unnest(commands) as c where c.special
        union
        select l.ordinal
        from unnest(lines) as l
        left join unnest(levels) as v on v.item_id = l.item_id and v.location_id = l.location_id
        join unnest(commands) as c on c.ordinal = l.ordinal
        where l.special and l.movement is not null or v.special)
$$;

comment on function internal.special_ordinals(internal.command[], internal.line[], internal.level[]) is 'Which commands of a batch are special.';
