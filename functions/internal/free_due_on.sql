-- Frees what is due on one locked key of a special kind: holds past their deadline with their backorders, lots past their date (with
-- internal.fill_backorders); what that makes available goes to those who wait.
create or replace function internal.free_due_on(item_id uuid, location_id text, instant timestamptz)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_command internal.command;
    v_line inventory.reservation_line;
    v_ids uuid[] := '{}';
begin
    v_command.op := 'expire';
    v_command.source := 'expiry';
    v_command.reason := 'hold expired';
    v_command.body := '{}';
    for v_line in
        select l.*
        from inventory.reservation_line as l
        where l.item_id = free_due_on.item_id and l.location_id = free_due_on.location_id and l.status = 'PENDING'
            and l.expires_at <= instant
        order by l.expires_at, l.reservation_id
    loop
        perform internal.free_line(v_command, v_line, 'EXPIRED', 0, 'expire', '{}', instant);
        v_ids := v_ids || v_line.reservation_id;
    end loop;
    perform internal.close_empty_reservations(v_ids, instant);
    v_command.reason := null;
    perform internal.fill_backorders(v_command, item_id, location_id, instant);
end
$$;

comment on function internal.free_due_on(uuid, text, timestamptz) is 'Frees what is due on one locked key of a special kind.';
