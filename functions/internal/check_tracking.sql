-- The first thing wrong with unit, lot and serial numbers of a line.
create or replace function internal.check_tracking(line jsonb, path text)
returns jsonb
language plpgsql
immutable
as $$
begin
    if line ? 'unit' and (jsonb_typeof(line -> 'unit') <> 'string' or line ->> 'unit' !~ '^[A-Za-z0-9_.-]{1,16}$') then
        return internal.problem(path || 'unit', 'must be 1 to 16 letters, digits, dots, dashes or underscores');
    elsif line ? 'lot' and (jsonb_typeof(line -> 'lot') <> 'string' or line ->> 'lot' !~ '^\S(.{0,62}\S)?$') then
        return internal.problem(path || 'lot', 'must be a text of 1 to 64 characters without blanks at its ends');
    elsif line ? 'lot_expires_at' and not coalesce(pg_input_is_valid(line ->> 'lot_expires_at', 'timestamptz')
            and (line ->> 'lot_expires_at')::timestamptz between '0001-01-01 00:00:00+00' and '9999-12-30 00:00:00+00', false) then
        return internal.problem(path || 'lot_expires_at', 'must be a timestamp with time zone in the years 1 to 9999');
    elsif line ? 'serials' and not coalesce(jsonb_typeof(line -> 'serials') = 'array'
            and jsonb_array_length(line -> 'serials') between 1 and 1000
            and not jsonb_path_exists(line, '$.serials[*] ? (@.type() != "string")')
            and not exists (select from jsonb_array_elements_text(line -> 'serials') as s (serial)
                where length(s.serial) not between 1 and 100), false) then
        return internal.problem(path || 'serials', 'must be an array of 1 to 1000 texts of 1 to 100 characters');
    end if;
    return null;
end
$$;

comment on function internal.check_tracking(jsonb, text) is 'The first thing wrong with unit, lot and serial numbers of a line.';
