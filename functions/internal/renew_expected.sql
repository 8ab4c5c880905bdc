-- Lets whoever expected the version that a level had before its due holds were freed expect the one that it has now. Readers never
-- counted those holds, so nothing that they saw has changed; and a refusal that is raised takes the freeing back, so that a
-- second try would meet the same version again.
create or replace function internal.renew_expected(lines internal.line[], levels internal.level[])
returns internal.line[]
language sql
stable
set search_path = ''
as $$
    select array_agg(row(
        l.ordinal, l.item_id, l.sku, l.location_id, l.movement, l.quantity, l.on_hand_delta, l.reserved_delta,
        case when l.expected_version = v.version then s.version else l.expected_version end,
        l.expires_at, l.on_hand, l.reserved, l.version, l.reservation_id, l.code, l.detail, l.special
    )::internal.line order by l.ordinal, l.item_id, l.location_id)
    from unnest(lines) as l
    left join unnest(levels) as v on v.item_id = l.item_id and v.location_id = l.location_id and v.found
    left join inventory.stock_level as s on s.item_id = v.item_id and s.location_id = v.location_id
$$;

comment on function internal.renew_expected(internal.line[], internal.level[]) is 'Carries expected versions over the freeing of due holds.';
