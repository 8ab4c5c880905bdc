-- Applies a batch that cannot be decided by one set: special commands one at a time, runs of plain ones between them by set, in the order
-- given. All rows of the batch are locked first, in key order, so that a later command need not wait for a row while an earlier one
-- holds others; what is due on them is freed once.
-- Nothing can be locked before it exists: a level, an idempotency key or a reservation that another session makes meanwhile is waited for out of
-- order. Only mixed batches do so, hence they give way: a short wait, far below deadlock_timeout, then 40001, and internal.apply_guarded
-- begins anew with what exists by then. From the fifth attempt on it waits as long as its role may.
create or replace function internal.apply_mixed(commands internal.command[], attempt integer)
returns internal.answer[]
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_lines internal.line[];
    v_levels internal.level[];
    v_now timestamptz;
    v_patience constant text := current_setting('lock_timeout');
    v_commands internal.command[] := commands;
    v_answers internal.answer[];
begin
    perform internal.lock_owners(commands);
    v_lines := internal.batch_lines(commands);
    v_levels := internal.mark_special(internal.lock_levels(v_lines), v_lines);
    v_now := clock_timestamp();
    perform internal.check_keys(commands, v_levels);
    if internal.has_due_hold(v_levels, v_now) then
        perform internal.ensure_movement_partition(v_now);
        perform internal.free_due(v_levels, v_now);
        v_commands := internal.renew_commands(commands, v_lines, v_levels, v_now);
    end if;
    if attempt = 5 then
        v_answers := internal.apply_parts(v_commands, internal.special_ordinals(v_commands, v_lines, v_levels));
        perform internal.renew_filled(v_levels, v_now);
        return v_answers;
    end if;
    begin
        -- In milliseconds; drawn, so that two that wait for each other do not both give way, again and again.
        perform set_config('lock_timeout', (random(20, 60) * attempt)::text, true);
        v_answers := internal.apply_parts(v_commands, internal.special_ordinals(v_commands, v_lines, v_levels));
        perform internal.renew_filled(v_levels, v_now);
        perform set_config('lock_timeout', v_patience, true);
        return v_answers;
    exception
        when lock_not_available then
            raise exception 'another session is about to make what this batch makes' using errcode = '40001';
    end;
end
$$;

comment on function internal.apply_mixed(internal.command[], integer) is 'Applies a batch with special commands, or one that names something twice.';
