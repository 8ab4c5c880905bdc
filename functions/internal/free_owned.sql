-- Cancels what the owner of a command holds, where it reserves in place of that (replace). Returns which reservations, and the levels that
-- this freed, as {"replaced": [ids], "levels": []}.
create or replace function internal.free_owned(command internal.command, instant timestamptz)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_old internal.command := command;
    v_replaced jsonb := '[]';
    v_levels jsonb := '[]';
begin
    if not coalesce((command.body -> 'replace')::boolean, false) then
        return '{"levels": []}';
    end if;
    v_old.op := 'cancel';
    -- That of the level that is reserved on.
    v_old.expected_version := null;
    v_old.body := '{"op": "cancel"}';
    v_old.reason := coalesce(command.reason, 'replaced by its owner');
    for v_old.reservation_id in
        select r.id
        from inventory.reservation as r
        where r.owner = command.owner and r.status = 'PENDING' and r.expires_at > instant
        order by r.id
    loop
        v_levels := v_levels || (internal.do_close(v_old, instant) -> 'levels');
        v_replaced := v_replaced || to_jsonb(v_old.reservation_id);
    end loop;
    return jsonb_build_object('replaced', v_replaced, 'levels', v_levels);
end
$$;

comment on function internal.free_owned(internal.command, timestamptz) is 'Cancels what the owner of a command holds, where it reserves in place of that.';
