-- Decides all lines at once, as if every command were accepted: running balances in command order. If each line fits,
-- accepting all of them is what deciding one after the other gives. Returns null if any line does not fit or is refused already.
create or replace function internal.decide_together(lines internal.line[], levels internal.level[])
returns internal.line[]
language sql
immutable
set search_path = ''
as $$
    with running as (
        select l.*, v.position, v.oversell, v.version as found_version,
            v.on_hand + (sum(l.on_hand_delta) over earlier)::bigint as on_hand_after,
            v.reserved + (sum(l.reserved_delta) over earlier)::bigint as reserved_after,
            v.next_version + row_number() over earlier - 1 as version_after,
            row_number() over earlier = 1 as first
        from unnest(lines) as l
        left join unnest(levels) as v on v.item_id = l.item_id and v.location_id = l.location_id
        window earlier as (partition by v.position order by l.ordinal rows unbounded preceding)
    )
    select case when bool_and(
            r.code is null
            and internal.fits(r.on_hand_delta - r.reserved_delta, r.on_hand_after, r.reserved_after, r.oversell)
            and (r.expected_version is null
                or r.expected_version = case when r.first then r.found_version else r.version_after - 1 end))
        then array_agg(row(
            r.ordinal, r.item_id, r.sku, r.location_id, r.movement, r.quantity, r.on_hand_delta, r.reserved_delta,
            r.expected_version, r.expires_at, r.on_hand_after, r.reserved_after, r.version_after, r.reservation_id, null, null, false
        )::internal.line order by r.ordinal, r.position)
    end
    from running as r
$$;

comment on function internal.decide_together(internal.line[], internal.level[]) is 'Decides all lines at once if everything fits; null if something does not.';
