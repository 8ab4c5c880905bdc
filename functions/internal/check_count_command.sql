-- The first thing wrong with the form of a command that posts a count; null when its form is right.
create or replace function internal.check_count_command(body jsonb)
returns jsonb
language plpgsql
immutable
as $$
declare
    v_fields constant text[] := '{occurred_at,reason_code}';
begin
    if not coalesce(pg_input_is_valid(body ->> 'count_id', 'uuid'), false) then
        return internal.problem('count_id', 'is required, a UUID');
    elsif body ?| v_fields then
        return internal.problem((select min(f) from unnest(v_fields) as f where body ? f),
            'does not go with this: the lines of the count say it');
    end if;
    return null;
end
$$;

comment on function internal.check_count_command(jsonb) is 'The first thing wrong with the form of a command that posts a count.';
