-- Where each line, in the order of internal.order_lines, has its level.
create or replace function internal.positions_of(lines internal.line[], levels internal.level[])
returns integer[]
language sql
immutable
set search_path = ''
as $$
    select array_agg(v.position order by l.ordinal, v.position)
    from unnest(lines) as l
    left join unnest(levels) as v on v.item_id = l.item_id and v.location_id = l.location_id
$$;

comment on function internal.positions_of(internal.line[], internal.level[]) is 'Position of the level of each ordered line.';
