-- The first thing wrong with the lines of a command; null when their form is right.
create or replace function internal.check_lines(command jsonb, signed boolean)
returns jsonb
language plpgsql
immutable
as $$
declare
    v_problem jsonb;
begin
    if command ?| '{sku,location,quantity}' then
        return internal.problem('lines', 'cannot be combined with sku, location or quantity');
    elsif jsonb_typeof(command -> 'lines') <> 'array' then
        return internal.problem('lines', 'must be an array');
    elsif jsonb_array_length(command -> 'lines') not between 1 and 1000 then
        return internal.problem('lines', 'must have 1 to 1000 entries');
    elsif command ? 'expected_version' and jsonb_array_length(command -> 'lines') > 1 then
        return internal.problem('expected_version', 'goes with a single line');
    end if;
    select p.problem into v_problem
    from jsonb_array_elements(command -> 'lines') with ordinality as l (body, position)
    cross join lateral internal.check_line(
        case when command ?| '{strategy,from}' and jsonb_typeof(l.body) = 'object' then l.body || '{"location": "-"}' else l.body end,
        'lines/' || (l.position - 1) || '/', signed) as p (problem)
    where p.problem is not null
    order by l.position
    limit 1;
    return v_problem;
end
$$;

comment on function internal.check_lines(jsonb, boolean) is 'The first thing wrong with the lines of a command.';
