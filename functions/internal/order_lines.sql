-- Lines in the order in which they are decided: by command, then by key.
create or replace function internal.order_lines(lines internal.line[], levels internal.level[])
returns internal.line[]
language sql
immutable
set search_path = ''
as $$
    select array_agg(l order by l.ordinal, v.position)
    from unnest(lines) as l
    left join unnest(levels) as v on v.item_id = l.item_id and v.location_id = l.location_id
$$;

comment on function internal.order_lines(internal.line[], internal.level[]) is 'Lines in the order in which they are decided.';
