-- Takes a quantity from a source (see internal.lot_sources), first expired first out: the lot that expires first, of those that expire together
-- the one received first, lots without expiry last. A lot that the command names is the only one. skip: so many units in that order
-- go elsewhere. Errors: those of internal.refuse_lots; IV022 where a sale would take a lot that has expired or was recalled meanwhile.
create or replace function internal.allocate_lots(change internal.tracked_change, source text, skip bigint, wanted bigint)
returns internal.lot_share[]
language plpgsql
stable
set search_path = ''
set enable_hashjoin = off  -- a plan made while the tables were empty must not scan them later
set enable_mergejoin = off
as $$
declare
    v_lot constant text := case when source <> 'moved' and (source <> 'reservation' or change.movement = 'commit')
        then change.line ->> 'lot' end;
    v_sellable constant boolean := source in ('free', 'damaged') and internal.needs_sellable(change.movement);
    v_taken internal.lot_share[];
    v_found bigint;
    v_ended text;
begin
    select array_agg(row(t.id, least(t.upto, skip + wanted) - greatest(t.upto - t.quantity, skip))::internal.lot_share),
        coalesce(sum(least(t.upto, skip + wanted) - greatest(t.upto - t.quantity, skip)), 0),
        min(t.code) filter (where t.ends_at <= change.instant)
    into v_taken, v_found, v_ended
    from (
        select l.id, l.code, s.quantity, least(l.expires_at, l.recalled_at) as ends_at,
            sum(s.quantity) over (order by l.expires_at nulls last, l.received_at, l.id)::bigint as upto
        from internal.lot_sources(change, source) as s
        join inventory.lot as l on l.id = s.lot_id
        where s.quantity > 0 and l.code = coalesce(v_lot, l.code)
            and not (v_sellable and coalesce(least(l.expires_at, l.recalled_at) <= change.instant, false))
    ) as t
    where t.upto > skip and t.upto - t.quantity < skip + wanted;
    if v_found < wanted then
        perform internal.refuse_lots(change, source, wanted, v_found);
    elsif change.movement = 'commit' and skip = 0 and v_ended is not null then
        perform internal.refuse_tracked(change, 'IV022', jsonb_build_object('lot', v_ended, 'reservation_id', change.reservation_id));
    end if;
    return v_taken;
end
$$;

comment on function internal.allocate_lots(internal.tracked_change, text, bigint, bigint) is 'Takes a quantity from a source, first expired first out.';
