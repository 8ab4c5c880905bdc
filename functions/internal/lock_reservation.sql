-- The pending reservation that a command names, locked. Errors: IV002 past its deadline, IV005 unknown, IV006 stale_version, IV009 closed or (to be expired) not due.
create or replace function internal.lock_reservation(command internal.command, id uuid, instant timestamptz)
returns inventory.reservation
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_row inventory.reservation;
    v_code text;
begin
    select r.* into v_row from inventory.reservation as r where r.id = lock_reservation.id for no key update of r;
    v_code := case
        when v_row.id is null then 'IV005'
        -- Freed by this very call, when it locked the levels: that is what was asked for.
        when v_row.status = 'EXPIRED' and command.op = 'expire' and v_row.updated_at = command.expires_at then null
        when v_row.status = 'EXPIRED' then 'IV002'
        when v_row.status <> 'PENDING' then 'IV009'
        when command.op = 'expire' then case when v_row.expires_at > instant then 'IV009' end
        when v_row.expires_at <= instant or exists (
            select from inventory.reservation_line as l where l.reservation_id = v_row.id and l.status <> 'PENDING') then 'IV002'
    end;
    -- What was freed by this very call had another version before.
    if v_code is null and v_row.status = 'PENDING' then
        perform internal.expect_version(command.expected_version, v_row.version, jsonb_build_object('reservation_id', id,
            'status', v_row.status, 'expires_at', v_row.expires_at));
    end if;
    if v_code is not null then
        perform internal.raise_error(v_code, jsonb_build_object('reservation_id', id, 'status', v_row.status,
            'expires_at', v_row.expires_at));
    end if;
    return v_row;
end
$$;

comment on function internal.lock_reservation(internal.command, uuid, timestamptz) is 'The pending reservation that a command names, locked.';
