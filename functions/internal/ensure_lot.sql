-- The lot that a receipt names: made if it is new, with its expiry. Whoever makes the same one at the same moment waits for the other.
-- Errors: IV023 if it is there already and expires at another instant.
create or replace function internal.ensure_lot(change internal.tracked_change)
returns uuid
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_expires_at constant timestamptz := change.line ->> 'lot_expires_at';
    v_lot inventory.lot;
begin
    insert into inventory.lot (item_id, code, expires_at, received_at, version, updated_at)
    values (change.item_id, change.line ->> 'lot', v_expires_at, change.instant, greatest(1, internal.version_floor()), change.instant)
    on conflict on constraint lot_code_unique do nothing;
    v_lot := internal.lot_named(change.item_id, change.sku, change.line ->> 'lot');
    if v_expires_at <> coalesce(v_lot.expires_at, 'infinity') then
        perform internal.refuse_tracked(change, 'IV023', internal.problem('lot_expires_at', 'is not when this lot expires')
            || jsonb_build_object('lot', v_lot.code, 'expires_at', v_lot.expires_at));
    end if;
    return v_lot.id;
end
$$;

comment on function internal.ensure_lot(internal.tracked_change) is 'The lot that a receipt names, made if it is new.';
