-- The first thing wrong with the form of a move or a shipment: between two places, one sku or several lines of sku and quantity.
create or replace function internal.check_move(command jsonb)
returns jsonb
language plpgsql
immutable
as $$
begin
    if jsonb_typeof(command -> 'from') is distinct from 'string' then
        return internal.problem('from', 'is required, a text');
    elsif jsonb_typeof(command -> 'to') is distinct from 'string' then
        return internal.problem('to', 'is required, a text');
    elsif command ->> 'from' = command ->> 'to' then
        return internal.problem('to', 'must differ from the place moved from');
    elsif command ? 'lines' then
        return internal.check_lines(command, false);
    end if;
    return internal.check_line(command || '{"location": "-"}', '', false);
end
$$;

comment on function internal.check_move(jsonb) is 'The first thing wrong with the form of a move or a shipment.';
