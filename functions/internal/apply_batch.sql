-- Applies parsed commands, cut into segments where one reservation or key is named twice, in the order given. All rows of a batch that
-- is cut are locked first, in key order, so that a later segment never waits for a row while an earlier one holds others.
create or replace function internal.apply_batch(commands internal.command[], repeats boolean)
returns internal.answer[]
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_segments integer[];
    v_answers internal.answer[] := '{}';
begin
    if not repeats then
        return internal.apply_segment(commands);
    end if;
    v_segments := internal.segments_of(commands);
    perform internal.lock_levels(internal.read_lines(commands) || internal.read_reservation_lines(commands));
    for v_segment in 0 .. v_segments[cardinality(v_segments)] loop
        v_answers := v_answers || internal.apply_segment(
            commands[array_position(v_segments, v_segment)
                : coalesce(array_position(v_segments, v_segment + 1) - 1, cardinality(v_segments))]);
    end loop;
    return v_answers;
end
$$;

comment on function internal.apply_batch(internal.command[], boolean) is 'Applies parsed commands segment by segment, in the order given.';
