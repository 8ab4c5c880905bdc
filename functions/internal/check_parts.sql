-- Refuses a list of named quantities, [{"<name>": text, "quantity": whole number}], that is malformed or names something twice.
-- Errors: IV008, IV013 above 1,000 entries.
create or replace function internal.check_parts(parts jsonb, list text, name text, lowest bigint, most bigint)
returns void
language plpgsql
immutable
set search_path = ''
as $$
declare
    v_at bigint;
begin
    if jsonb_typeof(parts) is distinct from 'array' then
        perform internal.raise_error('IV008', internal.problem(list, 'must be an array of objects'));
    elsif jsonb_array_length(parts) > 1000 then
        perform internal.raise_error('IV013', jsonb_build_object('entries', jsonb_array_length(parts), 'most', 1000));
    end if;
    select e.entry - 1 into v_at
    from jsonb_array_elements(parts) with ordinality as e (part, entry)
    where jsonb_typeof(e.part) <> 'object'
        or jsonb_typeof(e.part -> name) is distinct from 'string'
        or coalesce(internal.json_integer(e.part -> 'quantity'), lowest - 1) not between lowest and most
    order by e.entry
    limit 1;
    if v_at is not null then
        perform internal.raise_error('IV008', internal.problem(list || '/' || v_at,
            'must be {"' || name || '": text, "quantity": whole number from ' || lowest || ' to ' || most || '}'));
    elsif (select count(distinct e.part ->> name) < count(*) from jsonb_array_elements(parts) as e (part)) then
        perform internal.raise_error('IV008', internal.problem(list, 'names one of them twice'));
    end if;
end
$$;

comment on function internal.check_parts(jsonb, text, text, bigint, bigint) is 'Refuses a list of named quantities that is malformed.';
