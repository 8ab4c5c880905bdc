-- A batch of plain commands of which all fit: what a busy shop sends. Three statements, however many commands: form; locks, decision and answers; all writes.
-- No rows, and nothing changed, for any other batch; internal.apply_segment then decides it, by the same rules (a test compares the two).
-- Loses a race for an idempotency key by rolling back to here.
create or replace function internal.apply_plain(commands jsonb, caller text, source text)
returns table (ordinal integer, outcome text, code text, message text, detail jsonb, answer jsonb)
language plpgsql
volatile
rows 100
set search_path = ''
as $$
#variable_conflict use_column
declare
    v_plain internal.accepted[];
    v_form record;
    v_floor bigint;
    v_now timestamptz;
begin
    select bool_and(internal.is_plain(e.body)) as plain, bool_or(e.body ? 'idempotency_key') as keyed into v_form
    from jsonb_array_elements(commands) as e (body);
    if not v_form.plain then
        return;
    end if;
    v_floor := internal.version_floor();
    v_plain := internal.lock_plain(commands, source, v_floor);
    if v_plain is null then
        return;
    end if;
    v_now := clock_timestamp();
    perform internal.ensure_movement_partition(v_now);
    if not v_form.keyed then
        return query select w.* from internal.write_plain(v_plain, caller, v_now, v_floor) as w;
    elsif internal.has_new_keys(v_plain, caller) then
        begin
            return query select w.* from internal.write_plain(v_plain, caller, v_now, v_floor) as w;
        exception
            when unique_violation then return;
        end;
    end if;
end
$$;

comment on function internal.apply_plain(jsonb, text, text) is 'Applies a batch of plain commands of which all fit; no rows for any other.';
