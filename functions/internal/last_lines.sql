-- The state in which accepted lines leave each key, with the earliest deadline they opened and closed there.
create or replace function internal.last_lines(lines internal.line[])
returns table (item_id uuid, location_id text, on_hand bigint, reserved bigint, version bigint,
    opened_deadline timestamptz, closed_deadline timestamptz)
language sql
immutable
rows 100
set search_path = ''
as $$
    select distinct on (l.item_id, l.location_id) l.item_id, l.location_id, l.on_hand, l.reserved, l.version,
        min(l.expires_at) filter (where l.movement = 'reserve') over same_key,
        min(l.expires_at) filter (where l.movement <> 'reserve') over same_key
    from unnest(lines) as l
    where l.version is not null
    window same_key as (partition by l.item_id, l.location_id)
    order by l.item_id, l.location_id, l.version desc
$$;

comment on function internal.last_lines(internal.line[]) is 'The state in which accepted lines leave each key.';
