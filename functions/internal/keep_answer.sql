-- Keeps the whole answer to a request under its idempotency key, if it has one, and returns it: a repetition is answered from what is kept, however
-- the state has changed since.
create or replace function internal.keep_answer(op text, idempotency_key text, request jsonb, answer jsonb)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
begin
    if idempotency_key is not null then
        perform internal.store_answers(array[internal.keyed_command(op, idempotency_key, request)],
            array[row(0, 'applied', null, null, null, answer)::internal.answer]);
    end if;
    return answer;
end
$$;

comment on function internal.keep_answer(text, text, jsonb, jsonb) is 'Keeps the whole answer to a request under its idempotency key, and returns it.';
