-- Applies commands that can lose a race on a row that does not exist yet (an idempotency key, a first receipt, a chosen
-- reservation id): whoever loses rolls back to here and decides again, now seeing what the winner wrote.
create or replace function internal.apply_guarded(commands internal.command[], mixed boolean)
returns internal.answer[]
language plpgsql
volatile
set search_path = ''
as $$
begin
    -- The first four times a mixed batch gives way where it would have to wait (internal.apply_mixed). From the fifth on it waits for who makes
    -- the row, and so has lost that race when the other commits: each such loss means that another session committed, and five in
    -- a row on one batch is no race any more.
    for v_attempt in 1 .. 9 loop
        begin
            return internal.apply_batch(commands, mixed, least(v_attempt, 5));
        exception
            when serialization_failure or deadlock_detected then
                if v_attempt = 9 then
                    raise;
                end if;
        end;
    end loop;
end
$$;

comment on function internal.apply_guarded(internal.command[], boolean) is 'Applies commands and decides again when a race on a missing row was lost.';
