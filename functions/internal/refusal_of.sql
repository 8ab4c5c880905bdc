-- The SQLSTATE with which a line is refused on this level; null if it is accepted. Called for each line of a walk and for each single
-- command, so: plain expressions, and no set clause of its own (its callers pin the search path).
create or replace function internal.refusal_of(line internal.line, level internal.level)
returns text
language plpgsql
immutable
as $$
begin
    if line.expected_version <> level.version then
        return 'IV006';
    elsif internal.fits(line.on_hand_delta - line.reserved_delta, level.on_hand + line.on_hand_delta,
            level.reserved + line.reserved_delta, level.oversell) then
        return null;
    elsif line.on_hand_delta - line.reserved_delta < 0 and not level.oversell
            and level.on_hand + line.on_hand_delta < level.reserved + line.reserved_delta then
        return 'IV001';
    end if;
    return 'IV012';
end
$$;

comment on function internal.refusal_of(internal.line, internal.level) is 'SQLSTATE with which a line is refused on this level, or null.';
