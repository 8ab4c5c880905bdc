-- Writes which larger units an item has, in place of those before, and gives the item a new version. What stays as it is is not touched.
-- Locks the item. Errors: IV006 stale_version, IV008.
create or replace function internal.write_units(item_id uuid, units jsonb, expected_version bigint)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
    perform internal.lock_item(write_units.item_id, expected_version);
    if exists (
        select from jsonb_array_elements(units) as e (part)
        join inventory.item as i on i.id = write_units.item_id
        where e.part ->> 'unit' !~ '^[A-Za-z0-9_.-]{1,16}$' or e.part ->> 'unit' = i.unit_of_measure)
    then
        perform internal.raise_error('IV008', internal.problem('units', 'a unit has 1 to 16 letters, digits, dots, dashes or '
            'underscores and is not the base unit'));
    elsif (select jsonb_object_agg(e.part ->> 'unit', internal.json_integer(e.part -> 'quantity')) from jsonb_array_elements(units) as e (part))
        is not distinct from (
            select jsonb_object_agg(u.unit, u.factor) from inventory.item_unit as u where u.item_id = write_units.item_id)
    then
        return;
    end if;
    delete from inventory.item_unit as u where u.item_id = write_units.item_id;
    insert into inventory.item_unit (item_id, unit, factor)
    select write_units.item_id, e.part ->> 'unit', internal.json_integer(e.part -> 'quantity')
    from jsonb_array_elements(units) as e (part);
    perform internal.renew_item(write_units.item_id);
end
$$;

comment on function internal.write_units(uuid, jsonb, bigint) is 'Writes which larger units an item has.';
