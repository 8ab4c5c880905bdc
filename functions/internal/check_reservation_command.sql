-- The first thing wrong with the form of a command on a reservation that exists.
create or replace function internal.check_reservation_command(command jsonb, op text)
returns jsonb
language plpgsql
immutable
as $$
begin
    if not command ? 'reservation_id' then
        return internal.problem('reservation_id', 'is required');
    elsif op = 'extend' and not command ?| '{expires_in_seconds,expires_at}' then
        return internal.problem('expires_at', 'is required, or expires_in_seconds');
    elsif op = 'relocate' and jsonb_typeof(command -> 'to') is distinct from 'string' then
        return internal.problem('to', 'is required, a text');
    elsif op = 'relocate' and (command ? 'sku' and jsonb_typeof(command -> 'sku') <> 'string'
            or command ? 'from' and jsonb_typeof(command -> 'from') <> 'string') then
        return internal.problem('sku, from', 'must be texts');
    elsif op = 'confirm' and command ? 'lines' then
        return internal.check_lines(command, false);
    end if;
    return null;
end
$$;

comment on function internal.check_reservation_command(jsonb, text) is 'The first thing wrong with the form of a command on a reservation.';
