-- The first thing wrong with the lines of a receipt: each names a sku and, of the given counts, whole numbers of 0 or more.
create or replace function internal.check_receipt(command jsonb, counts text[])
returns jsonb
language plpgsql
immutable
as $$
declare
    v_problem jsonb;
begin
    if jsonb_typeof(command -> 'lines') <> 'array' or jsonb_array_length(command -> 'lines') not between 1 and 1000 then
        return internal.problem('lines', 'must be an array of 1 to 1000 entries');
    end if;
    select case
        when jsonb_typeof(l.body) <> 'object' then internal.problem('lines/' || (l.position - 1), 'must be an object')
        when jsonb_typeof(l.body -> 'sku') is distinct from 'string'
            then internal.problem('lines/' || (l.position - 1) || '/sku', 'is required, a text')
        when not l.body ?| counts then internal.problem('lines/' || (l.position - 1), 'needs one of ' || array_to_string(counts, ', '))
        else internal.problem('lines/' || (l.position - 1) || '/' || c.name, 'must be a whole number from 0 to 10^12') end
    into v_problem
    from jsonb_array_elements(command -> 'lines') with ordinality as l (body, position)
    left join lateral (
        select n.name
        from unnest(counts) as n (name)
        where jsonb_typeof(l.body) = 'object' and l.body ? n.name
            and coalesce(internal.json_integer(l.body -> n.name), -1) not between 0 and 1000000000000
        limit 1
    ) as c on true
    where jsonb_typeof(l.body) <> 'object' or jsonb_typeof(l.body -> 'sku') is distinct from 'string' or not l.body ?| counts
        or c.name is not null
    order by l.position
    limit 1;
    return v_problem;
end
$$;

comment on function internal.check_receipt(jsonb, text[]) is 'The first thing wrong with the lines of a receipt.';
