-- Reserves: several lines all or nothing or what there is (partial), over locations by a strategy, in place of what the same owner holds
-- (replace), with a backorder where the policy says so. The levels of the answer: what was freed (type release), then what is held.
create or replace function internal.do_reserve(command internal.command, instant timestamptz)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_freed jsonb;
    v_line record;
    v_held jsonb := '[]';
begin
    -- Expected is the version that the client saw, not the one after its old hold was freed.
    perform internal.check_expected(command, true, true);
    v_freed := internal.free_owned(command, instant);
    insert into inventory.reservation (id, owner, expires_at, reference, version, created_at, updated_at)
    values (command.reservation_id, command.owner, command.expires_at, command.reference, greatest(1, internal.version_floor()),
        instant, instant)
    on conflict (id) do nothing;
    if not found then
        perform internal.raise_error('IV014', jsonb_build_object('reservation_id', command.reservation_id));
    end if;
    for v_line in select a.* from internal.allocate(command, instant) as a loop
        v_held := v_held || coalesce(internal.hold_line(command, command.reservation_id, command.expires_at, v_line.item_id,
            v_line.location_id, v_line.quantity, v_line.line, instant), '[]');
    end loop;
    if v_held = '[]' then
        perform internal.raise_error('IV001', jsonb_strip_nulls(jsonb_build_object('sku', command.body -> 'sku',
            'location', command.body -> 'location', 'requested', command.body -> 'quantity', 'available', 0, 'partial', true)));
    end if;
    return v_freed || jsonb_build_object('reservation_id', command.reservation_id, 'status', 'PENDING',
        'expires_at', command.expires_at, 'levels', (v_freed -> 'levels') || v_held);
end
$$;

comment on function internal.do_reserve(internal.command, timestamptz) is 'Reserves with all that a reserve command may ask for.';
