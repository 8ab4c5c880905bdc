-- The answer that was stored under an idempotency key for this request, marked as replayed; null if there is none or no key. Whoever sends the
-- same key at the same moment waits here until the first one is through. Errors: IV007 if the key was used for another request.
create or replace function internal.find_answer(op text, idempotency_key text, request jsonb)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_command internal.command := internal.keyed_command(op, idempotency_key, request);
begin
    if idempotency_key is null then
        return null;
    end if;
    perform pg_advisory_xact_lock(hashtextextended(v_command.caller || ' ' || idempotency_key, 0));
    v_command := (internal.find_replays(array[v_command]))[1];
    if v_command.code is not null then
        perform internal.raise_error(v_command.code, v_command.detail);
    end if;
    return v_command.replay || '{"replayed": true}';
end
$$;

comment on function internal.find_answer(text, text, jsonb) is 'The answer that was stored under an idempotency key for this request.';
