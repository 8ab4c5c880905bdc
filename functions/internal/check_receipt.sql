-- The first thing wrong with the lines of a receipt; null when their form is right. One that says nothing is refused, unless it is the last.
create or replace function internal.check_receipt(command jsonb)
returns jsonb
language plpgsql
immutable
as $$
declare
    v_problem jsonb;
begin
    if jsonb_typeof(command -> 'lines') <> 'array' then
        return internal.problem('lines', 'must be an array');
    elsif jsonb_array_length(command -> 'lines') not between 1 and 1000 then
        return internal.problem('lines', 'must have 1 to 1000 entries');
    end if;
    select p.problem into v_problem
    from jsonb_array_elements(command -> 'lines') with ordinality as l (body, position)
    cross join lateral internal.check_transfer_line(l.body, 'lines/' || (l.position - 1) || '/') as p (problem)
    where p.problem is not null
    order by l.position
    limit 1;
    if v_problem is null and not coalesce((command -> 'complete')::boolean, false)
            and not jsonb_path_exists(command, '$.lines[*] ? (@.received > 0 || @.damaged > 0 || @.lost > 0)') then
        return internal.problem('lines', 'something must have become of something: received, damaged or lost above zero');
    end if;
    return v_problem;
end
$$;

comment on function internal.check_receipt(jsonb) is 'The first thing wrong with the lines of a receipt.';
