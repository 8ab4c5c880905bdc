-- The first thing wrong with one line {"sku", "received", "damaged", "unit", "lot", "lot_expires_at", "serials"} of what arrived on an order;
-- null when its form is right. A line on which nothing arrived is refused: it says nothing.
create or replace function internal.check_receipt_line(line jsonb, path text)
returns jsonb
language plpgsql
immutable
as $$
declare
    v_fields constant text[] := '{sku,received,damaged,unit,lot,lot_expires_at,serials}';
    v_field text;
begin
    if jsonb_typeof(line) <> 'object' then
        return internal.problem(rtrim(path, '/'), 'must be an object');
    elsif line - v_fields <> '{}' then
        return internal.problem(path || (select min(k) from jsonb_object_keys(line - v_fields) as k),
            'is not a field of a line of a receipt');
    elsif jsonb_typeof(line -> 'sku') is distinct from 'string' then
        return internal.problem(path || 'sku', 'is required, a text');
    end if;
    foreach v_field in array '{received,damaged}'::text[] loop
        if line ? v_field and (jsonb_typeof(line -> v_field) <> 'number' or (line -> v_field)::numeric < 0
                or (line -> v_field)::numeric <> trunc((line -> v_field)::numeric)) then
            return internal.problem(path || v_field, 'must be a whole number, 0 or more');
        end if;
    end loop;
    if coalesce((line -> 'received')::numeric, 0) + coalesce((line -> 'damaged')::numeric, 0) = 0 then
        return internal.problem(path || 'received', 'something must have arrived: received or damaged above zero');
    elsif line ? 'serials' and (line -> 'received')::numeric > 0 and (line -> 'damaged')::numeric > 0 then
        return internal.problem(path || 'serials', 'name sellable and damaged units in lines of their own');
    end if;
    return internal.check_tracking(line, path);
end
$$;

comment on function internal.check_receipt_line(jsonb, text) is 'The first thing wrong with one line of what arrived on an order.';
