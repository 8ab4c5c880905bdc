-- Where a batch that names a reservation or an idempotency key twice must be cut so that no segment does: 0-based segment of
-- each command.
create or replace function internal.segments_of(commands internal.command[])
returns integer[]
language plpgsql
immutable
set search_path = ''
as $$
declare
    v_command internal.command;
    v_segment integer := 0;
    v_segments integer[] := '{}';
    v_seen text[] := '{}';
    v_names text[];
begin
    foreach v_command in array commands loop
        v_names := array_remove(array[
            case when v_command.body ? 'reservation_id' then 'r' || v_command.reservation_id end,
            'k' || v_command.idempotency_key], null);
        if v_seen && v_names then
            v_segment := v_segment + 1;
            v_seen := '{}';
        end if;
        v_seen := v_seen || v_names;
        v_segments := v_segments || v_segment;
    end loop;
    return v_segments;
end
$$;

comment on function internal.segments_of(internal.command[]) is '0-based segment of each command; no segment names a reservation or a key twice.';
