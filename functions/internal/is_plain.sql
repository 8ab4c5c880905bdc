-- Whether a command is an add, remove, adjust or reserve of one line in good form, with nothing asked for that needs more than one look at
-- its level. What is not is left to internal.parse_command, which says what is wrong with it. Plain expressions: inlined by the planner.
create or replace function internal.is_plain(body jsonb)
returns boolean
language sql
immutable
parallel safe
return case
    when jsonb_typeof(body) <> 'object' or body - '{op,sku,location,quantity,expires_in_seconds,owner,idempotency_key,reason,reference,correlation_id,user_id,source,traceparent}'::text[] <> '{}'
        or jsonb_typeof(body -> 'sku') is distinct from 'string' or jsonb_typeof(body -> 'location') is distinct from 'string'
        or jsonb_typeof(body -> 'quantity') is distinct from 'number' then false
    when body ? 'expires_in_seconds' and not case when jsonb_typeof(body -> 'expires_in_seconds') = 'number'
        then (body -> 'expires_in_seconds')::numeric between 0.001 and 315360000 else false end then false
    when body ?| '{owner,idempotency_key,reason,reference,correlation_id,user_id,source,traceparent}'::text[]
        and not internal.has_plain_texts(body) then false
    else case
        when body ->> 'op' = any ('{add,remove,reserve}'::text[]) then (body -> 'quantity')::numeric between 1 and 1000000000000
        else body ->> 'op' is not distinct from 'adjust' and body ? 'reason' and (body -> 'quantity')::numeric <> 0
            and abs((body -> 'quantity')::numeric) <= 1000000000000 end
        and (body -> 'quantity')::numeric % 1 = 0
end;

comment on function internal.is_plain(jsonb) is 'Whether a command is an add, remove, adjust or reserve of one line in good form.';
