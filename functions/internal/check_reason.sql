-- Refuses a command whose reason_code is not in force. Errors: IV026 unknown_reason.
create or replace function internal.check_reason(command internal.command)
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
    if command.body ? 'reason_code' and not exists (
        select from inventory.reason_code as r where r.code = command.body ->> 'reason_code' and r.active)
    then
        perform internal.raise_error('IV026', jsonb_build_object('reason_code', command.body ->> 'reason_code'));
    end if;
end
$$;

comment on function internal.check_reason(internal.command) is 'Refuses a command whose reason_code is not in force.';
