-- The plan for an item at a location that were named from outside. Errors: IV003, IV004, IV008, IV028.
create or replace function internal.plan_for(sku text, location text, supplier text, service_level numeric, days integer)
returns internal.replenishment_plan
language plpgsql
stable
set search_path = ''
as $$
declare
    v_item_id constant uuid := internal.item_id_of(sku);
    v_location_id constant text := internal.location_id_of(location);
begin
    if supplier is not null then
        perform internal.supplier_code_of(supplier);
    end if;
    if service_level not between 0.5 and 0.99999 then
        perform internal.raise_error('IV008', internal.problem('service_level', 'must be 0.5 to 0.99999'));
    end if;
    perform internal.check_days(days);
    return internal.plan_item(internal.planning_terms(v_item_id, v_location_id, supplier, service_level::double precision, days,
        clock_timestamp()));
end
$$;

comment on function internal.plan_for(text, text, text, numeric, integer) is 'The plan for an item at a location that were named from outside.';
