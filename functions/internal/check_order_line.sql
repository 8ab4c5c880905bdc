-- The first thing wrong with one line {"sku", "quantity", "unit", "unit_cost", "currency", "expected_version"} of an order; null when its form is right.
create or replace function internal.check_order_line(line jsonb, path text)
returns jsonb
language plpgsql
immutable
as $$
declare
    v_fields constant text[] := '{sku,quantity,unit,unit_cost,currency,expected_version}';
    v_problem jsonb;
begin
    if jsonb_typeof(line) <> 'object' then
        return internal.problem(rtrim(path, '/'), 'must be an object');
    elsif line - v_fields <> '{}' then
        return internal.problem(path || (select min(k) from jsonb_object_keys(line - v_fields) as k),
            'is not a field of a line of an order');
    end if;
    v_problem := internal.check_line(line || '{"location": "-"}', path, false);
    if v_problem is not null then
        return v_problem;
    elsif line ? 'unit_cost' and coalesce(internal.json_integer(line -> 'unit_cost'), -1) not between 0 and 1000000000000 then
        return internal.problem(path || 'unit_cost', 'must be a whole number from 0 to 10^12');
    elsif line ? 'currency' and (jsonb_typeof(line -> 'currency') <> 'string' or line ->> 'currency' !~ '^[A-Z]{3}$') then
        return internal.problem(path || 'currency', 'must be three capital letters (ISO 4217)');
    elsif line ? 'currency' and not line ? 'unit_cost' then
        return internal.problem(path || 'unit_cost', 'is required with currency');
    end if;
    return null;
end
$$;

comment on function internal.check_order_line(jsonb, text) is 'The first thing wrong with one line of an order.';
