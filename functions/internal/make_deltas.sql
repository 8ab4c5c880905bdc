-- Deltas by name: internal.make_deltas(on_hand => -3, damaged => 3).
create or replace function internal.make_deltas(on_hand bigint default null, reserved bigint default null,
    in_transit bigint default null, backordered bigint default null, damaged bigint default null, incoming bigint default null)
returns internal.deltas
language sql
immutable
parallel safe
return row(on_hand, reserved, in_transit, backordered, damaged, incoming)::internal.deltas;

comment on function internal.make_deltas(bigint, bigint, bigint, bigint, bigint, bigint) is 'Deltas by name.';
