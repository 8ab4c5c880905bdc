-- How many base units one unit of an item is: 1 for its base unit or none given. Errors: IV015 unknown_unit.
create or replace function internal.unit_factor(item_id uuid, sku text, unit text)
returns bigint
language plpgsql
stable
set search_path = ''
as $$
declare
    v_factor bigint;
begin
    if unit is null then
        return 1;
    end if;
    select case when i.unit_of_measure = unit_factor.unit then 1 else u.factor end into v_factor
    from inventory.item as i
    left join inventory.item_unit as u on u.item_id = i.id and u.unit = unit_factor.unit
    where i.id = unit_factor.item_id;
    if v_factor is null then
        perform internal.raise_error('IV015', jsonb_build_object('sku', sku, 'unit', unit));
    end if;
    return v_factor;
end
$$;

comment on function internal.unit_factor(uuid, text, text) is 'How many base units one unit of an item is.';
