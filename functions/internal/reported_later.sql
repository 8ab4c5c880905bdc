-- The sum of what had happened at a key by an instant and was recorded only after it; nothing for null. A movement that claims to
-- happen after it was recorded counts as happened when it was recorded.
create or replace function internal.reported_later(item_id uuid, location_id text, instant timestamptz, out on_hand bigint,
    out reserved bigint, out in_transit bigint, out backordered bigint, out damaged bigint, out incoming bigint, out version bigint,
    out occurred_at timestamptz)
language sql
stable
set search_path = ''
as $$
    select coalesce(sum(m.on_hand_delta), 0)::bigint, coalesce(sum(m.reserved_delta), 0)::bigint,
        coalesce(sum(m.in_transit_delta), 0)::bigint, coalesce(sum(m.backordered_delta), 0)::bigint,
        coalesce(sum(m.damaged_delta), 0)::bigint, coalesce(sum(m.incoming_delta), 0)::bigint, max(m.version), max(m.occurred_at)
    from inventory.stock_movement as m
    where m.item_id = reported_later.item_id and m.location_id = reported_later.location_id
        and m.recorded_at > instant and m.occurred_at <= instant
$$;

comment on function internal.reported_later(uuid, text, timestamptz) is 'The sum of what had happened at a key by an instant and was recorded only after it.';
