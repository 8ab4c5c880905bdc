-- Recalls a lot: it is not sold any more, anywhere. What is free of it becomes damaged at once; what reservations hold stays with them, and
-- confirming them is refused. What is on the way, or comes in later, is taken from sale when it arrives. Recalled again: changes nothing.
-- The lot is changed after all its places are locked; who brings units of it elsewhere holds it share-locked (internal.lock_lots).
-- The answer has the places where something lies of it, so that a repetition says what this one said.
-- Errors: IV003, IV006, IV021 unknown_lot.
create or replace function internal.do_recall(command internal.command, instant timestamptz)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_lot inventory.lot := internal.lot_named(internal.item_id_of(command.body ->> 'sku'), command.body ->> 'sku', command.body ->> 'lot');
    v_place record;
    v_levels jsonb := '[]';
begin
    if command.expected_version is not null then
        perform internal.expect_version(command.expected_version, (
            select l.version from inventory.lot as l where l.id = v_lot.id for no key update of l),
            jsonb_build_object('sku', command.body -> 'sku', 'lot', v_lot.code));
    end if;
    update inventory.lot as l
    set status = 'recalled', recalled_at = coalesce(l.recalled_at, instant), recall_reason = coalesce(l.recall_reason, command.reason),
        version = case l.status when 'recalled' then l.version else greatest(l.version + 1, internal.version_floor()) end,
        updated_at = case l.status when 'recalled' then l.updated_at else instant end
    where l.id = v_lot.id
    returning * into v_lot;
    perform internal.lock_recalled(command);
    update inventory.lot_level as v set ends_at = least(v_lot.expires_at, v_lot.recalled_at) where v.lot_id = v_lot.id;
    for v_place in
        select v.item_id, v.location_id
        from inventory.lot_level as v
        where v.lot_id = v_lot.id and v.on_hand > v.reserved
        order by v.location_id
    loop
        v_levels := v_levels || coalesce(
            internal.damage_lot(command, v_place.item_id, v_place.location_id, v_lot.id, 'recall', instant), '[]');
    end loop;
    return jsonb_build_object('sku', command.body -> 'sku', 'lot', v_lot.code, 'status', v_lot.status, 'recalled_at', v_lot.recalled_at,
        'quantity', (select coalesce(sum((l.level -> 'quantity')::bigint), 0) from jsonb_array_elements(v_levels) as l (level)),
        'held', (select coalesce(sum(v.reserved), 0) from inventory.lot_level as v where v.lot_id = v_lot.id),
        'levels', v_levels,
        'places', coalesce((
            select jsonb_agg(jsonb_build_object('location', v.location_id, 'held', v.reserved, 'damaged', v.damaged,
                'available', s.available, 'version', s.version) order by v.location_id)
            from inventory.lot_level as v
            join inventory.stock_level as s on s.item_id = v.item_id and s.location_id = v.location_id
            where v.lot_id = v_lot.id and (v.on_hand > 0 or v.damaged > 0)), '[]'));
end
$$;

comment on function internal.do_recall(internal.command, timestamptz) is 'Recalls a lot: takes it from sale everywhere.';
