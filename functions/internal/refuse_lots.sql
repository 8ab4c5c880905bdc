-- Says why a change cannot take from lots what it wants. Errors: IV022 if the lot it names is not sellable, or only such are left; IV023 if its
-- reservation or transfer has not so much of the lot; else IV001.
create or replace function internal.refuse_lots(change internal.tracked_change, source text, wanted bigint, available bigint)
returns void
language plpgsql
stable
set search_path = ''
as $$
declare
    v_lot inventory.lot;
    v_detail jsonb := jsonb_build_object('requested', wanted, 'available', available);
begin
    if change.line ? 'lot' then
        v_lot := internal.lot_named(change.item_id, change.sku, change.line ->> 'lot');
        v_detail := v_detail || jsonb_build_object('lot', v_lot.code, 'expires_at', v_lot.expires_at, 'lot_status', v_lot.status);
    end if;
    perform internal.refuse_tracked(change, case
        when internal.needs_sellable(change.movement) and least(v_lot.expires_at, v_lot.recalled_at) <= change.instant then 'IV022'
        when change.movement = 'restore' and v_lot.id is null then 'IV022'
        when source in ('free', 'damaged') then 'IV001'
        else 'IV023' end, v_detail || jsonb_build_object('state', source));
end
$$;

comment on function internal.refuse_lots(internal.tracked_change, text, bigint, bigint) is 'Says why a change cannot take from lots what it wants.';
