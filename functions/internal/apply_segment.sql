-- Applies plain commands of which no two name the same reservation or idempotency key; null, with nothing changed, if one of them turns
-- out not to be plain. Steps: lines, locks in key order, replays, holds
-- that are due, decision, writes, answers. Nothing is decided before all rows of the segment are locked: whoever sends the same
-- request at the same moment waits there, and then finds the stored answer.
create or replace function internal.apply_segment(commands internal.command[])
returns internal.answer[]
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_commands internal.command[] := commands;
    v_traits constant record := internal.batch_traits(commands);
    v_lines internal.line[];
    v_decided internal.line[];
    v_levels internal.level[];
    v_answers internal.answer[];
    v_now timestamptz;
begin
    v_lines := internal.read_lines(v_commands);
    if v_traits.closes then
        v_lines := v_lines || internal.read_reservation_lines(v_commands);
    end if;
    -- Before anything is locked: what is special may have keys that come before these.
    if internal.has_special(v_lines, null) then
        return null;
    end if;
    v_levels := internal.lock_levels(v_lines);
    if internal.has_special(null, v_levels) then
        return null;
    end if;
    perform internal.check_still_plain(v_levels);
    v_now := clock_timestamp();
    if internal.has_due_hold(v_levels, v_now) then
        perform internal.release_due_holds(v_levels, v_now);
        v_lines := internal.renew_expected(v_lines, v_levels);
        v_levels := internal.held_levels(v_levels);
    end if;
    if v_traits.keyed then
        v_commands := internal.find_replays(v_commands);
    end if;
    if v_traits.named then
        v_commands := internal.check_reservations(v_commands, v_lines, v_now);
    end if;
    if v_traits.keyed or v_traits.named then
        v_lines := internal.open_lines(v_commands, v_lines);
        if v_traits.closes then
            v_lines := v_lines || internal.read_reservation_lines(v_commands);
            perform internal.check_covered(v_lines, v_levels);
        end if;
    end if;
    v_decided := internal.decide_together(v_lines, v_levels);
    if v_decided is null and v_lines is not null then
        v_decided := internal.decide_in_order(v_lines, v_levels);
        v_commands := internal.refuse_commands(v_commands, v_decided);
    end if;

    perform internal.ensure_movement_partition(v_now);
    if v_traits.opens then
        perform internal.open_reservations(v_commands, v_decided, v_now);
    end if;
    if v_traits.closes then
        perform internal.close_reservations(v_commands, v_now);
    end if;
    perform internal.write_levels(v_decided, v_levels, v_now);
    perform internal.write_movements(v_commands, v_decided, v_levels, v_now);
    v_answers := internal.answer_commands(v_commands, v_decided, v_levels);
    if v_traits.keyed then
        perform internal.store_answers(v_commands, v_answers);
    end if;
    return v_answers;
end
$$;

comment on function internal.apply_segment(internal.command[]) is 'Applies commands of which no two name the same reservation or idempotency key.';
