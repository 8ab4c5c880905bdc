-- A write that is no command of the engine, in the form in which idempotency keys are kept for commands: the same table, the same rules. One that
-- expects no version is the same request as before there were expected ones.
create or replace function internal.keyed_command(op text, idempotency_key text, request jsonb)
returns internal.command
language plpgsql
stable
set search_path = ''
as $$
declare
    v_command internal.command;
begin
    v_command.ordinal := 0;
    v_command.op := op;
    v_command.caller := session_user;
    v_command.idempotency_key := idempotency_key;
    v_command.body := case when request -> 'expected_version' = 'null' then request - 'expected_version' else request end
        || jsonb_build_object('op', op);
    v_command.fingerprint := sha256(convert_to(v_command.body::text, 'UTF8'));
    return v_command;
end
$$;

comment on function internal.keyed_command(text, text, jsonb) is 'A write that is no command of the engine, as idempotency keys are kept.';
