-- The sums of the ledger of a key up to a version (null = to its end), from the closing balance on if months were retired. Without any
-- movement the version is null.
create or replace function internal.replay_movements(item_id uuid, location_id text, until_version bigint, out version bigint,
    out on_hand bigint, out reserved bigint, out in_transit bigint, out backordered bigint, out damaged bigint, out incoming bigint,
    out last_recorded_at timestamptz)
language sql
stable
set search_path = ''
as $$
    with base as (
        select c.* from internal.retired_balance(replay_movements.item_id, replay_movements.location_id) as c
    ), replayed as (
        select b.version, b.on_hand, b.reserved, b.in_transit, b.backordered, b.damaged, b.incoming, b.last_recorded_at
        from base as b
        union all
        select m.version, m.on_hand_delta, m.reserved_delta, m.in_transit_delta, m.backordered_delta, m.damaged_delta,
            m.incoming_delta, m.recorded_at
        from inventory.stock_movement as m
        where m.item_id = replay_movements.item_id and m.location_id = replay_movements.location_id
            and m.version > coalesce((select b.version from base as b), 0)
            and m.version <= coalesce(until_version, 9223372036854775807)
    )
    select max(r.version), sum(r.on_hand)::bigint, sum(r.reserved)::bigint, sum(r.in_transit)::bigint, sum(r.backordered)::bigint,
        sum(r.damaged)::bigint, sum(r.incoming)::bigint, max(r.last_recorded_at)
    from replayed as r
$$;

comment on function internal.replay_movements(uuid, text, bigint) is 'The sums of the ledger of a key up to a version.';
