-- How many units a change is about: its largest delta, without sign.
create or replace function internal.moved(deltas internal.deltas)
returns bigint
language sql
immutable
set search_path = ''
as $$
    select coalesce(greatest(abs(deltas.on_hand), abs(deltas.reserved), abs(deltas.in_transit), abs(deltas.backordered),
        abs(deltas.damaged), abs(deltas.incoming)), 0)
$$;

comment on function internal.moved(internal.deltas) is 'How many units a change is about.';
