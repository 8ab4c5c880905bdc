-- A batch of plain commands of which all fit: what a busy shop sends. Few statements, however many commands: form; locks, decision and answers;
-- reservations that are closed, if any; all other writes.
-- No rows, and nothing changed, for any other batch; internal.apply_segment then decides it, by the same rules (a test compares the two).
-- Loses a race for an idempotency key or a reservation by rolling back to here.
create or replace function internal.apply_plain(commands jsonb, caller text, source text)
returns table (ordinal integer, outcome text, code text, message text, detail jsonb, answer jsonb)
language plpgsql
volatile
rows 100
set search_path = ''
as $$
#variable_conflict use_column
declare
    v_plain internal.settled[];
    v_form record;
    v_floor bigint;
    v_now timestamptz;
begin
    select bool_and(internal.is_plain(e.body) or internal.is_plain_closing(e.body)) as plain,
        bool_or(e.body ? 'idempotency_key') as keyed, bool_or(e.body ? 'reservation_id') as closes into v_form
    from jsonb_array_elements(commands) as e (body);
    if not v_form.plain then
        return;
    end if;
    v_floor := internal.version_floor();
    if not v_form.closes then
        v_plain := internal.lock_plain(commands, source, v_floor);
        if v_plain is null then
            return;
        end if;
        v_now := clock_timestamp();
        perform internal.ensure_movement_partition(v_now);
        if not v_form.keyed then
            return query select w.* from internal.write_plain(v_plain, caller, v_now, v_floor) as w;
            return;
        end if;
    end if;
    begin
        if v_form.closes then
            -- In here, so that no lock stays where a reservation is not what it was: who decides the batch then may have to begin with other rows.
            v_plain := internal.lock_plain(commands, source, v_floor);
            if v_plain is null then
                raise exception 'not plain' using errcode = '40001';
            end if;
            v_now := clock_timestamp();
            perform internal.ensure_movement_partition(v_now);
        end if;
        if v_form.keyed and not internal.has_new_keys(v_plain, caller) then
            raise exception 'a key was used before' using errcode = '40001';
        end if;
        if v_form.closes then
            perform internal.close_plain(v_plain, v_now, v_floor);
        end if;
        return query select w.* from internal.write_plain(v_plain, caller, v_now, v_floor) as w;
    exception
        when unique_violation or serialization_failure then return;
    end;
end
$$;

comment on function internal.apply_plain(jsonb, text, text) is 'Applies a batch of plain commands of which all fit; no rows for any other.';
