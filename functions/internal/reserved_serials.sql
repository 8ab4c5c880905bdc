-- What holding, selling and freeing does to units. A reservation holds a quantity; it holds certain units only if its command names them.
-- Sold are the named units, else those that the reservation named, else the oldest. When it ends, what it named is free again.
create or replace function internal.reserved_serials(change internal.tracked_change)
returns inventory.serial[]
language plpgsql
stable
set search_path = ''
as $$
declare
    v_sold inventory.serial[] := '{}';
    v_freed inventory.serial[];
begin
    if change.reserved > 0 then
        if not change.line ? 'serials' then
            return '{}';
        end if;
        return internal.serials_become(internal.serials_there(change, internal.required_serials(change, change.reserved), 'in_stock'),
            'in_stock', change.location_id, change.reservation_id, null);
    end if;
    if change.on_hand < 0 and change.line ? 'serials' then
        v_sold := internal.serials_there(change, internal.required_serials(change, -change.on_hand), 'in_stock');
    elsif change.on_hand < 0 then
        v_sold := internal.oldest_serials(change, -change.on_hand);
    end if;
    v_freed := array(
        select s
        from inventory.serial as s
        where s.reservation_id = change.reservation_id and s.item_id = change.item_id and s.location_id = change.location_id
            and s.status = 'in_stock' and s.serial not in (select u.serial from unnest(v_sold) as u));
    return internal.serials_become(v_sold, 'shipped', null, change.reservation_id, null)
        || internal.serials_become(v_freed, 'in_stock', change.location_id, null, null);
end
$$;

comment on function internal.reserved_serials(internal.tracked_change) is 'What holding, selling and freeing does to units.';
