-- Levels with those marked that a line needs special treatment on.
create or replace function internal.mark_special(levels internal.level[], lines internal.line[])
returns internal.level[]
language sql
immutable
set search_path = ''
as $$
    select array_agg(row(
        v.position, v.item_id, v.location_id, v.on_hand, v.reserved, v.in_transit, v.backordered, v.damaged, v.threshold,
        v.oversell, v.version, v.next_version, v.next_hold_at, v.found, v.incoming,
        v.special or exists (
            select from unnest(lines) as l where l.special and l.item_id = v.item_id and l.location_id = v.location_id)
    )::internal.level order by v.position)
    from unnest(levels) as v
$$;

comment on function internal.mark_special(internal.level[], internal.line[]) is 'Levels with those marked that need special treatment.';
