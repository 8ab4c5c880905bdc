-- The first thing wrong with what a command asks for beyond the plain: partial, strategy, locations, replace, and (on a command of one line)
-- unit, lot and serial numbers.
create or replace function internal.check_special(command jsonb)
returns jsonb
language plpgsql
immutable
as $$
begin
    if command ? 'partial' and jsonb_typeof(command -> 'partial') <> 'boolean' then
        return internal.problem('partial', 'must be true or false');
    elsif command ? 'replace' and jsonb_typeof(command -> 'replace') <> 'boolean' then
        return internal.problem('replace', 'must be true or false');
    elsif command ? 'replace' and not command ? 'owner' then
        return internal.problem('owner', 'is required to replace what an owner holds');
    elsif command ? 'strategy' and not coalesce(command ->> 'strategy' in ('priority', 'nearest', 'fewest_splits'), false) then
        return internal.problem('strategy', 'must be priority, nearest or fewest_splits');
    elsif command ? 'strategy' and command ? 'location' then
        return internal.problem('location', 'cannot be combined with a strategy: the strategy chooses');
    elsif command ? 'strategy' and command ? 'expected_version' then
        return internal.problem('expected_version', 'cannot be combined with a strategy: the strategy chooses');
    elsif command ? 'locations' and not command ? 'strategy' then
        return internal.problem('locations', 'goes with a strategy');
    elsif command ->> 'strategy' = 'nearest' and not command ? 'locations' then
        return internal.problem('locations', 'is required for nearest: the locations, nearest first');
    elsif command ? 'locations' and not coalesce(jsonb_typeof(command -> 'locations') = 'array'
            and jsonb_array_length(command -> 'locations') between 1 and 1000
            and not jsonb_path_exists(command, '$.locations[*] ? (@.type() != "string")'), false) then
        return internal.problem('locations', 'must be an array of 1 to 1000 texts');
    end if;
    return internal.check_tracking(command, '');
end
$$;

comment on function internal.check_special(jsonb) is 'The first thing wrong with what a command asks for beyond the plain.';
