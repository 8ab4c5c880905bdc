-- Applies commands that can lose a race on a row that does not exist yet (an idempotency key, a first receipt, a chosen
-- reservation id): whoever loses rolls back to here and decides again, now seeing what the winner wrote.
create or replace function internal.apply_guarded(commands internal.command[], mixed boolean)
returns internal.answer[]
language plpgsql
volatile
set search_path = ''
as $$
begin
    -- Each lost race means that another session committed; five in a row on one batch is no race any more.
    for v_attempt in 1 .. 5 loop
        begin
            return internal.apply_batch(commands, mixed, v_attempt);
        exception
            when serialization_failure or deadlock_detected then
                if v_attempt = 5 then
                    raise;
                end if;
        end;
    end loop;
end
$$;

comment on function internal.apply_guarded(internal.command[], boolean) is 'Applies commands and decides again when a race on a missing row was lost.';
