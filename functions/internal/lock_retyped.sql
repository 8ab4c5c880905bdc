-- Makes sure that no stock is on items whose kind or tracking has just been changed in this transaction, nor comes in before it ends: a first receipt
-- waits for its item (foreign key), a later one for its level, and both then look again (internal.check_still_plain). Who is writing there already is
-- not waited for, since it may come to wait for another of these items: raises 40001. Errors: IV008 if there is stock.
create or replace function internal.lock_retyped(ids uuid[])
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_sku text;
begin
    begin
        perform from inventory.item as i where i.id = any (ids) for update of i nowait;
        perform from inventory.stock_level as s where s.item_id = any (ids) for no key update of s nowait;
    exception
        when lock_not_available then
            raise exception 'stock of an item whose kind or tracking is to change is being written' using errcode = '40001';
    end;
    select min(i.sku) into v_sku from inventory.item as i where i.id = any (ids) and internal.has_stock(i.id);
    if v_sku is not null then
        perform internal.raise_error('IV008', internal.problem('kind, tracking', 'cannot change while the item has stock')
            || jsonb_build_object('sku', v_sku));
    end if;
end
$$;

comment on function internal.lock_retyped(uuid[]) is 'Makes sure that no stock is on items whose kind or tracking has just been changed.';
