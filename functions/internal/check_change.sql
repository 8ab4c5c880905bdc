-- The first thing wrong with the form of a command on single places: a reason where one is required, its line or lines.
create or replace function internal.check_change(command jsonb, op text)
returns jsonb
language plpgsql
immutable
as $$
begin
    if op in ('adjust', 'write_off') and not command ?| '{reason,reason_code}' then
        return internal.problem('reason', 'is required, or a reason_code');
    elsif command ? 'state' and not coalesce(command ->> 'state' in ('on_hand', 'damaged'), false) then
        return internal.problem('state', 'must be on_hand or damaged');
    elsif command ? 'lines' then
        return internal.check_lines(command, op = 'adjust');
    elsif command ? 'strategy' then
        return internal.check_line(command || '{"location": "-"}', '', false);
    end if;
    return internal.check_line(command, '', op = 'adjust');
end
$$;

comment on function internal.check_change(jsonb, text) is 'The first thing wrong with the form of a command on single places.';
