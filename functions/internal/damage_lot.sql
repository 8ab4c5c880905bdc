-- Takes what is free of a lot at one locked place from sale: on hand becomes damaged, with a ledger row. Never more than is available there, since
-- a reservation of units with serial numbers holds a quantity, not a lot. Returns the level, or null if there was nothing to take.
create or replace function internal.damage_lot(command internal.command, item_id uuid, location_id text, lot_id uuid, movement text,
    instant timestamptz)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_code text;
    v_free bigint;
begin
    select t.code, least(l.on_hand - l.reserved, s.available) into v_code, v_free
    from inventory.lot_level as l
    join inventory.lot as t on t.id = l.lot_id
    join inventory.stock_level as s on s.item_id = l.item_id and s.location_id = l.location_id
    where l.item_id = damage_lot.item_id and l.location_id = damage_lot.location_id and l.lot_id = damage_lot.lot_id;
    if coalesce(v_free, 0) <= 0 then
        return null;
    end if;
    return internal.change_level(command, item_id, location_id, movement, internal.make_deltas(on_hand => -v_free, damaged => v_free),
        instant, detail => jsonb_build_object('lot', v_code), line => jsonb_build_object('lot', v_code));
end
$$;

comment on function internal.damage_lot(internal.command, uuid, text, uuid, text, timestamptz) is 'Takes what is free of a lot at one place from sale.';
