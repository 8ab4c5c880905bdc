-- Says which larger units an item has: units => '[{"unit": "CASE", "quantity": 12}]' (one CASE is 12 base units), in place of those before.
-- Whole numbers only, so that no conversion loses anything.
-- Errors: IV003, IV008 (also for the base unit itself), IV013. Locks the item. Idempotent by nature. Security definer because only the owner writes tables.
create or replace function api.set_item_units(sku text, units jsonb)
returns table (unit text, quantity bigint)
language plpgsql
volatile
security definer
rows 5
set search_path = ''
as $$
#variable_conflict use_column
declare
    v_item constant uuid := internal.item_id_of(sku);
begin
    perform internal.check_parts(units, 'units', 'unit', 1, 1000000000);
    -- Before the look at its base unit, which api.upsert_items changes under the same lock.
    perform from inventory.item as i where i.id = v_item for no key update;
    if exists (
        select from jsonb_array_elements(units) as e (part)
        join inventory.item as i on i.id = v_item
        where e.part ->> 'unit' !~ '^[A-Za-z0-9_.-]{1,16}$' or e.part ->> 'unit' = i.unit_of_measure)
    then
        perform internal.raise_error('IV008', internal.problem('units', 'a unit has 1 to 16 letters, digits, dots, dashes or '
            'underscores and is not the base unit'));
    end if;
    delete from inventory.item_unit as u where u.item_id = v_item;
    insert into inventory.item_unit (item_id, unit, factor)
    select v_item, e.part ->> 'unit', internal.json_integer(e.part -> 'quantity')
    from jsonb_array_elements(units) as e (part);
    return query select u.unit, u.factor from inventory.item_unit as u where u.item_id = v_item order by u.factor, u.unit;
end
$$;

revoke execute on function api.set_item_units(text, jsonb) from public;
grant execute on function api.set_item_units(text, jsonb) to onhand_api, onhand_operator;
comment on function api.set_item_units(text, jsonb) is 'Says which larger units an item has.';
