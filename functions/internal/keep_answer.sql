-- Keeps the answer to a request under its idempotency key; does nothing without one.
create or replace function internal.keep_answer(op text, idempotency_key text, request jsonb, answer jsonb)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
    if idempotency_key is not null then
        perform internal.store_answers(array[internal.keyed_command(op, idempotency_key, request)],
            array[row(0, 'applied', null, null, null, answer)::internal.answer]);
    end if;
end
$$;

comment on function internal.keep_answer(text, text, jsonb, jsonb) is 'Keeps the answer to a request under its idempotency key.';
