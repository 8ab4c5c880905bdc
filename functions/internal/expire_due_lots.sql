-- Takes what is free of lots past their date, or recalled, from sale at one place whose row is locked; one ledger row for each lot. What
-- reservations hold of them stays held, and is taken when it becomes free. Holds that are due should be freed first.
-- Returns the level after it, null if nothing was due.
create or replace function internal.expire_due_lots(item_id uuid, location_id text, instant timestamptz)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_command internal.command;
    v_lot record;
    v_level jsonb;
begin
    v_command.op := 'expire';
    v_command.source := 'expiry';
    v_command.body := '{}';
    for v_lot in
        select l.lot_id, t.status
        from inventory.lot_level as l
        join inventory.lot as t on t.id = l.lot_id
        where l.item_id = expire_due_lots.item_id and l.location_id = expire_due_lots.location_id and l.ends_at <= instant
            and l.on_hand > l.reserved
        order by l.ends_at, l.lot_id
    loop
        v_command.reason := case v_lot.status when 'recalled' then 'lot recalled' else 'lot expired' end;
        v_level := coalesce(internal.damage_lot(v_command, item_id, location_id, v_lot.lot_id,
            case v_lot.status when 'recalled' then 'recall' else 'lot_expiry' end, instant), v_level);
    end loop;
    return v_level - '{type,quantity}'::text[];
end
$$;

comment on function internal.expire_due_lots(uuid, text, timestamptz) is 'Takes what is free of lots past their date from sale at one place.';
