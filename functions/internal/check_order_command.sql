-- The first thing wrong with the form of a command that places, receives or calls off a purchase order; null when its form is right.
create or replace function internal.check_order_command(body jsonb)
returns jsonb
language plpgsql
immutable
as $$
declare
    v_op constant text := body ->> 'op';
    v_problem jsonb;
begin
    if v_op = 'order' then
        v_problem := internal.check_order(body);
    elsif not body ? 'purchase_order_id' then
        return internal.problem('purchase_order_id', 'is required');
    elsif not coalesce(pg_input_is_valid(body ->> 'purchase_order_id', 'uuid'), false) then
        return internal.problem('purchase_order_id', 'must be a UUID');
    end if;
    if v_problem is not null or not body ? 'lines' then
        return v_problem;
    elsif jsonb_typeof(body -> 'lines') <> 'array' then
        return internal.problem('lines', 'must be an array');
    elsif jsonb_array_length(body -> 'lines') not between 1 and 1000 then
        return internal.problem('lines', 'must have 1 to 1000 entries');
    elsif v_op = 'order' and internal.has_two_versions(body) then
        return internal.problem('expected_version', 'goes with a single line, or stands on each line');
    end if;
    select p.problem into v_problem
    from jsonb_array_elements(body -> 'lines') with ordinality as l (line, position)
    cross join lateral (select 'lines/' || (l.position - 1) || '/') as h (path)
    cross join lateral (select case v_op when 'order' then internal.check_order_line(l.line, h.path)
        else internal.check_receipt_line(l.line, h.path) end) as p (problem)
    where p.problem is not null
    order by l.position
    limit 1;
    return v_problem;
end
$$;

comment on function internal.check_order_command(jsonb) is 'The first thing wrong with the form of a command on a purchase order.';
