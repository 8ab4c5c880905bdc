-- The first thing wrong with one line {"sku", "location", "quantity"}; null when its form is right.
create or replace function internal.check_line(line jsonb, path text, signed boolean)
returns jsonb
language plpgsql
immutable
as $$
declare
    v_quantity numeric;
begin
    if jsonb_typeof(line) <> 'object' then
        return internal.problem(rtrim(path, '/'), 'must be an object');
    elsif jsonb_typeof(line -> 'sku') is distinct from 'string' then
        return internal.problem(path || 'sku', 'is required, a text');
    elsif jsonb_typeof(line -> 'location') is distinct from 'string' then
        return internal.problem(path || 'location', 'is required, a text');
    elsif jsonb_typeof(line -> 'quantity') is distinct from 'number' then
        return internal.problem(path || 'quantity', 'is required, a whole number');
    end if;
    v_quantity := (line -> 'quantity')::numeric;
    if v_quantity <> trunc(v_quantity) then
        return internal.problem(path || 'quantity', 'must be a whole number');
    elsif signed and v_quantity = 0 then
        return internal.problem(path || 'quantity', 'must not be zero');
    elsif not signed and v_quantity <= 0 then
        return internal.problem(path || 'quantity', 'must be greater than zero');
    elsif line ? 'expected_version' and coalesce(internal.json_integer(line -> 'expected_version'), -1) < 0 then
        return internal.problem(path || 'expected_version', 'must be a whole number, 0 or more');
    end if;
    return case when line ?| '{unit,lot,lot_expires_at,serials}' then internal.check_tracking(line, path) end;
end
$$;

comment on function internal.check_line(jsonb, text, boolean) is 'The first thing wrong with one line of a command.';
