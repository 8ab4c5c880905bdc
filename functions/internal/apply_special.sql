-- Applies one special command inside a savepoint and answers it: a refusal takes back what the command had done so far, and nothing else.
-- The rows it touches are locked, and what is due on them is freed.
create or replace function internal.apply_special(command internal.command)
returns internal.answer
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_command internal.command := command;
    v_answer internal.answer;
    v_message text;
    v_detail text;
    v_now constant timestamptz := clock_timestamp();
begin
    if v_command.code is null and v_command.idempotency_key is not null then
        v_command := (internal.find_replays(array[v_command]))[1];
    end if;
    if v_command.code is not null or v_command.replay is not null then
        return (internal.answer_commands(array[v_command], null, null))[1];
    end if;
    perform internal.ensure_movement_partition(v_now);
    begin
        v_answer := row(v_command.ordinal, 'applied', null, null, null, internal.run_special(v_command, v_now))::internal.answer;
    exception
        when others then
            get stacked diagnostics v_message = message_text, v_detail = pg_exception_detail;
            if sqlstate !~ '^IV' then
                raise;
            end if;
            return row(v_command.ordinal, 'refused', sqlstate, v_message, v_detail::jsonb, null)::internal.answer;
    end;
    if v_command.idempotency_key is not null then
        perform internal.store_answers(array[v_command], array[v_answer]);
    end if;
    return v_answer;
end
$$;

comment on function internal.apply_special(internal.command) is 'Applies one special command inside a savepoint and answers it.';
