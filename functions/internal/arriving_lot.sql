-- The lot that what comes in belongs to; null if none is named, which only units with serial numbers may do. Receipts make new lots; what is
-- returned, found or counted belongs to one that is known, so that a misspelt code makes none.
-- Errors: IV021 unknown_lot, IV023 without a lot.
create or replace function internal.arriving_lot(change internal.tracked_change)
returns uuid
language plpgsql
volatile
set search_path = ''
as $$
begin
    if not change.line ? 'lot' and change.tracking = 'lot' then
        perform internal.refuse_tracked(change, 'IV023', internal.problem('lot', 'is required: the item is tracked by lot'));
    elsif not change.line ? 'lot' then
        return null;
    elsif change.movement in ('receipt', 'order_receipt') then
        return internal.ensure_lot(change);
    end if;
    return (internal.lot_named(change.item_id, change.sku, change.line ->> 'lot')).id;
end
$$;

comment on function internal.arriving_lot(internal.tracked_change) is 'The lot that what comes in belongs to.';
