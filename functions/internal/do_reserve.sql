-- Reserves: several lines all or nothing or what there is (partial), over locations by a strategy, in place of what the same owner holds
-- (replace), with a backorder where the policy says so.
create or replace function internal.do_reserve(command internal.command, instant timestamptz)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_freed constant jsonb := internal.free_owned(command, instant);
    v_line record;
    v_levels jsonb := '[]';
begin
    insert into inventory.reservation (id, owner, expires_at, reference, version, created_at, updated_at)
    values (command.reservation_id, command.owner, command.expires_at, command.reference, greatest(1, internal.version_floor()),
        instant, instant)
    on conflict (id) do nothing;
    if not found then
        perform internal.raise_error('IV014', jsonb_build_object('reservation_id', command.reservation_id));
    end if;
    for v_line in select a.* from internal.allocate(command, instant) as a loop
        perform internal.check_expected(command, v_line.item_id, v_line.location_id);
        v_levels := v_levels || coalesce(internal.hold_line(command, command.reservation_id, command.expires_at, v_line.item_id,
            v_line.location_id, v_line.quantity, v_line.line, instant), '[]');
    end loop;
    if v_levels = '[]' then
        perform internal.raise_error('IV001', jsonb_build_object('available', 0, 'partial', true));
    end if;
    return jsonb_build_object('reservation_id', command.reservation_id, 'status', 'PENDING', 'expires_at', command.expires_at,
        'levels', v_levels) || v_freed;
end
$$;

comment on function internal.do_reserve(internal.command, timestamptz) is 'Reserves with all that a reserve command may ask for.';
