-- The first thing wrong with one line {"sku", "received", "damaged", "lost", "unit", "lot", "serials"} of what has become of a transfer; null when
-- its form is right.
create or replace function internal.check_transfer_line(line jsonb, path text)
returns jsonb
language plpgsql
immutable
as $$
declare
    v_fields constant text[] := '{sku,received,damaged,lost,unit,lot,serials}';
    v_count text;
begin
    if jsonb_typeof(line) <> 'object' then
        return internal.problem(rtrim(path, '/'), 'must be an object');
    elsif line - v_fields <> '{}' then
        return internal.check_line_fields(line, path, v_fields);
    elsif jsonb_typeof(line -> 'sku') is distinct from 'string' then
        return internal.problem(path || 'sku', 'is required, a text');
    elsif not line ?| '{received,damaged,lost}' then
        return internal.problem(rtrim(path, '/'), 'needs one of received, damaged, lost');
    end if;
    foreach v_count in array '{received,damaged,lost}'::text[] loop
        if line ? v_count and coalesce(internal.json_integer(line -> v_count), -1) not between 0 and 1000000000000 then
            return internal.problem(path || v_count, 'must be a whole number from 0 to 10^12');
        end if;
    end loop;
    return internal.check_tracking(line, path);
end
$$;

comment on function internal.check_transfer_line(jsonb, text) is 'The first thing wrong with one line of what has become of a transfer.';
