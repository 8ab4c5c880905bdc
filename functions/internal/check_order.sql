-- The first thing wrong with what a command that places an order says besides its lines; null if nothing is.
create or replace function internal.check_order(body jsonb)
returns jsonb
language plpgsql
immutable
as $$
begin
    if jsonb_typeof(body -> 'supplier') is distinct from 'string' then
        return internal.problem('supplier', 'is required, a text');
    elsif jsonb_typeof(body -> 'location') is distinct from 'string' then
        return internal.problem('location', 'is required, a text');
    elsif not body ? 'lines' then
        return internal.problem('lines', 'is required, an array');
    elsif body ? 'expected_at' and not coalesce(pg_input_is_valid(body ->> 'expected_at', 'timestamptz'), false) then
        return internal.problem('expected_at', 'must be a timestamp with time zone');
    elsif body ? 'expected_at' and (body ->> 'expected_at')::timestamptz
            not between '2000-01-01 00:00:00+00' and '9999-12-30 00:00:00+00' then
        return internal.problem('expected_at', 'must lie in the years 2000 to 9999');
    end if;
    return null;
end
$$;

comment on function internal.check_order(jsonb) is 'The first thing wrong with what an order says besides its lines.';
