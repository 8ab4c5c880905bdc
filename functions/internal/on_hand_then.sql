-- What of an item (of one lot of it, unless lot is empty) was on hand at a place at an instant, by what has been reported until now: a fact counts from
-- the moment it happened, not from that at which it was recorded. version: of the row at that instant, 0 = there was none. Looks at the
-- movements since then only: those of higher versions. Errors: IV021 unknown_lot, IV033 if the ledger of that time was retired.
create or replace function internal.on_hand_then(item_id uuid, location_id text, lot text, instant timestamptz,
    out on_hand bigint, out version bigint)
language plpgsql
stable
set search_path = ''
as $$
declare
    v_sku text;
    v_lot_id uuid;
begin
    perform internal.check_history(instant);
    select b.on_hand, b.version into on_hand, version from internal.balance_at(item_id, location_id, instant) as b;
    version := coalesce(version, 0);
    if lot = '' then
        select coalesce(on_hand_then.on_hand, 0) + coalesce(sum(m.on_hand_delta), 0) into on_hand
        from inventory.stock_movement as m
        where m.item_id = on_hand_then.item_id and m.location_id = on_hand_then.location_id
            and m.version > on_hand_then.version and m.recorded_at > instant and m.occurred_at <= instant;
        return;
    end if;
    select i.sku into v_sku from inventory.item as i where i.id = on_hand_then.item_id;
    v_lot_id := (internal.lot_named(item_id, v_sku, lot)).id;
    select coalesce(max(l.on_hand), 0) - coalesce(sum(t.on_hand_delta), 0) into on_hand
    from inventory.lot_movement as t
    join inventory.stock_movement as m on m.item_id = t.item_id and m.location_id = t.location_id and m.version = t.version
        and m.recorded_at = t.recorded_at and m.recorded_at > instant and m.occurred_at > instant
    right join inventory.lot_level as l on l.item_id = t.item_id and l.location_id = t.location_id and l.lot_id = t.lot_id
        and t.version > on_hand_then.version
    where l.item_id = on_hand_then.item_id and l.location_id = on_hand_then.location_id and l.lot_id = v_lot_id;
end
$$;

comment on function internal.on_hand_then(uuid, text, text, timestamptz) is 'What of an item was on hand at a place at an instant.';
