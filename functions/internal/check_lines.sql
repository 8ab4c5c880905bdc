-- The first thing wrong with the lines of a command; null when their form is right. Where the command says the places, or leaves the choice
-- to a strategy, lines have no location.
create or replace function internal.check_lines(command jsonb, signed boolean)
returns jsonb
language plpgsql
immutable
as $$
declare
    v_placeless constant boolean := command ? 'strategy' or command ->> 'op' in ('move', 'ship');
    v_fields constant text[] := case when v_placeless then '{sku,quantity,unit,lot,serials}'::text[]
        else '{sku,location,quantity,unit,lot,lot_expires_at,serials}' end
        -- A strategy chooses the level, and what is confirmed has the version of its reservation.
        || case when command ? 'strategy' or command ->> 'op' = 'confirm' then '{}'::text[] else '{expected_version}' end;
    v_problem jsonb;
begin
    if command ?| '{sku,location,quantity,unit,lot,lot_expires_at,serials}' then
        return internal.problem('lines', 'cannot be combined with sku, location, quantity or what else a line has');
    elsif jsonb_typeof(command -> 'lines') <> 'array' then
        return internal.problem('lines', 'must be an array');
    elsif jsonb_array_length(command -> 'lines') not between 1 and 1000 then
        return internal.problem('lines', 'must have 1 to 1000 entries');
    elsif internal.has_two_versions(command) then
        return internal.problem('expected_version', 'goes with a single line, or stands on each line');
    end if;
    select p.problem into v_problem
    from jsonb_array_elements(command -> 'lines') with ordinality as l (body, position)
    cross join lateral (select 'lines/' || (l.position - 1) || '/') as h (path)
    cross join lateral (select case
        when jsonb_typeof(l.body) = 'object' and l.body - v_fields <> '{}' then internal.check_line_fields(l.body, h.path, v_fields)
        when jsonb_typeof(l.body) = 'object' and v_placeless then internal.check_line(l.body || '{"location": "-"}', h.path, signed)
        else internal.check_line(l.body, h.path, signed) end) as p (problem)
    where p.problem is not null
    order by l.position
    limit 1;
    return v_problem;
end
$$;

comment on function internal.check_lines(jsonb, boolean) is 'The first thing wrong with the lines of a command.';
