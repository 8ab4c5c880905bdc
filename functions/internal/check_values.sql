-- The first of the typed optional fields of a command that is malformed; null if none is.
create or replace function internal.check_values(command jsonb, op text)
returns jsonb
language plpgsql
volatile
as $$
begin
    if command ? 'reservation_id' and not coalesce(pg_input_is_valid(command ->> 'reservation_id', 'uuid'), false) then
        return internal.problem('reservation_id', 'must be a UUID');
    elsif command ? 'expected_version' and coalesce(internal.json_integer(command -> 'expected_version'), -1) < 0 then
        return internal.problem('expected_version', 'must be a whole number, 0 or more');
    elsif command ? 'occurred_at' and not coalesce(pg_input_is_valid(command ->> 'occurred_at', 'timestamptz'), false) then
        return internal.problem('occurred_at', 'must be a timestamp with time zone');
    elsif command ? 'occurred_at' and (command ->> 'occurred_at')::timestamptz
            not between '0001-01-01 00:00:00+00' and '9999-12-30 00:00:00+00' then
        -- What readers outside Postgres have no value for: endless times, years before the first and of five digits.
        return internal.problem('occurred_at', 'must lie in the years 1 to 9999');
    elsif command ? 'expires_at' and not coalesce(pg_input_is_valid(command ->> 'expires_at', 'timestamptz'), false) then
        return internal.problem('expires_at', 'must be a timestamp with time zone');
    elsif command ? 'expires_at' and not (command ->> 'expires_at')::timestamptz
            between clock_timestamp() and clock_timestamp() + interval '10 years' then
        return internal.problem('expires_at', 'must lie in the future, at most 10 years ahead');
    elsif command ? 'expires_in_seconds' and (jsonb_typeof(command -> 'expires_in_seconds') <> 'number'
            or (command -> 'expires_in_seconds')::numeric not between 0.001 and 315360000) then
        return internal.problem('expires_in_seconds', 'must be a number from 0.001 to 315360000');
    end if;
    return null;
end
$$;

comment on function internal.check_values(jsonb, text) is 'The first of the typed optional fields of a command that is malformed.';
