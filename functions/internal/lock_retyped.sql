-- Locks the items of a set whose kind or tracking it changes, in sku order with all others of the set, and their stock levels, so that no stock comes in
-- while that is decided: a first receipt waits for its item (foreign key) and then looks again (internal.check_still_plain). Receipts that are under
-- way on a level are not waited for, since they may come to wait for the item: raises 40001. Does nothing for a set that changes neither.
create or replace function internal.lock_retyped(items jsonb)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_retyped constant text[] := array(
        select i.sku
        from jsonb_array_elements(items) as e (body)
        join inventory.item as i on i.sku = e.body ->> 'sku'
        where e.body ->> 'kind' <> i.kind or e.body ->> 'tracking' <> i.tracking);
    v_sku text;
begin
    if v_retyped = '{}' then
        return;
    end if;
    for v_sku in select e.body ->> 'sku' from jsonb_array_elements(items) as e (body) order by e.body ->> 'sku' collate "C" loop
        if v_sku = any (v_retyped) then
            perform from inventory.item as i where i.sku = v_sku for update of i;
        else
            perform from inventory.item as i where i.sku = v_sku for no key update of i;
        end if;
    end loop;
    perform
    from inventory.stock_level as s
    where s.item_id in (select i.id from inventory.item as i where i.sku = any (v_retyped))
    for no key update of s nowait;
exception
    when lock_not_available then
        raise exception 'stock of an item whose kind or tracking is to change is being written' using errcode = '40001';
end
$$;

comment on function internal.lock_retyped(jsonb) is 'Locks the items of a set whose kind or tracking it changes, and their stock levels.';
