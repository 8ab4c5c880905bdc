-- Whether a command confirms or cancels a whole reservation, in good form, and asks for nothing else. Plain expressions: inlined by the planner.
create or replace function internal.is_plain_closing(body jsonb)
returns boolean
language sql
immutable
parallel safe
return case
    when jsonb_typeof(body) <> 'object' or body - '{op,reservation_id,idempotency_key,reason,reference,correlation_id,user_id,source,traceparent}'::text[] <> '{}'
        or jsonb_typeof(body -> 'reservation_id') is distinct from 'string' or jsonb_typeof(body -> 'op') is distinct from 'string' then false
    when body ?| '{idempotency_key,reason,reference,correlation_id,user_id,source,traceparent}'::text[]
        and not internal.has_plain_texts(body) then false
    -- Other ways to write a UUID are left to internal.parse_command.
    else body ->> 'op' = any ('{confirm,cancel}'::text[])
        and body ->> 'reservation_id' ~ '^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$'
end;

comment on function internal.is_plain_closing(jsonb) is 'Whether a command confirms or cancels a whole reservation, in good form.';
