-- Where a batch must be cut: 0-based segment of each command. A special command is a segment of its own; no segment names one reservation or
-- one idempotency key twice.
create or replace function internal.segments_of(commands internal.command[], special integer[])
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
    v_alone boolean := false;
begin
    foreach v_command in array commands loop
        v_names := array_remove(array[
            case when v_command.body ? 'reservation_id' then 'r' || v_command.reservation_id end,
            'k' || v_command.idempotency_key], null);
        if v_alone or v_command.ordinal = any (special) or v_seen && v_names then
            v_segment := v_segment + 1;
            v_seen := '{}';
        end if;
        v_alone := v_command.ordinal = any (special);
        v_seen := v_seen || v_names;
        v_segments := v_segments || v_segment;
    end loop;
    return v_segments;
end
$$;

comment on function internal.segments_of(internal.command[], integer[]) is '0-based segment of each command.';
