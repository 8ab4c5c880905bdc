-- A quantity of an item in another of its units, exactly. Errors: IV003, IV008 for null, IV012, IV015 unknown_unit, IV027 inexact_conversion.
-- Locks nothing. Security definer because readers of api have no right on the tables.
create or replace function api.convert_quantity(sku text, quantity bigint, from_unit text, to_unit text)
returns bigint
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
    v_item constant uuid := internal.item_id_of(sku);
    v_base numeric;
    v_into bigint;
begin
    if num_nulls(quantity, from_unit, to_unit) > 0 then
        perform internal.raise_error('IV008', internal.problem('quantity, from_unit, to_unit', 'are required'));
    end if;
    v_base := quantity::numeric * internal.unit_factor(v_item, sku, from_unit);
    v_into := internal.unit_factor(v_item, sku, to_unit);
    if abs(v_base) > 1000000000000 then
        perform internal.raise_error('IV012', jsonb_build_object('sku', sku, 'requested', v_base));
    elsif v_base % v_into <> 0 then
        perform internal.raise_error('IV027', jsonb_build_object('sku', sku, 'unit', to_unit, 'base_quantity', v_base,
            'factor', v_into));
    end if;
    return v_base / v_into;
end
$$;

revoke execute on function api.convert_quantity(text, bigint, text, text) from public;
grant execute on function api.convert_quantity(text, bigint, text, text) to onhand_api, onhand_reader;
comment on function api.convert_quantity(text, bigint, text, text) is 'A quantity of an item in another of its units, exactly.';
