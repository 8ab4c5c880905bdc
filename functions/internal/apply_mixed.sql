-- Applies a batch that cannot be decided by one set: special commands one at a time, runs of plain ones between them by set, in the order
-- given. All rows of the batch are locked first, in key order, so that a later command never waits for a row while an earlier one
-- holds others; what is due on them is freed once.
create or replace function internal.apply_mixed(commands internal.command[])
returns internal.answer[]
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_lines constant internal.line[] := internal.batch_lines(commands);
    v_levels internal.level[] := internal.mark_special(internal.lock_levels(v_lines), v_lines);
    v_now constant timestamptz := clock_timestamp();
    v_commands internal.command[] := commands;
    v_special integer[];
    v_segments integer[];
    v_from integer := 1;
    v_answers internal.answer[] := '{}';
begin
    perform internal.check_keys(commands, v_levels);
    if internal.has_due_hold(v_levels, v_now) then
        perform internal.ensure_movement_partition(v_now);
        perform internal.free_due(v_levels, v_now);
        v_commands := internal.renew_commands(commands, v_lines, v_levels, v_now);
    end if;
    v_special := internal.special_ordinals(v_commands, v_lines, v_levels);
    v_segments := internal.segments_of(v_commands, v_special);
    for v_at in 1 .. cardinality(v_commands) loop
        if v_at = cardinality(v_commands) or v_segments[v_at + 1] <> v_segments[v_at] then
            v_answers := v_answers || internal.apply_part(v_commands[v_from : v_at], v_commands[v_at].ordinal = any (v_special));
            v_from := v_at + 1;
        end if;
    end loop;
    return v_answers;
end
$$;

comment on function internal.apply_mixed(internal.command[]) is 'Applies a batch with special commands, or one that names something twice.';
