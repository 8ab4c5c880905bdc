-- Whether the text fields that a command has are texts within their bounds: what internal.check_texts says in words.
create or replace function internal.has_plain_texts(body jsonb)
returns boolean
language sql
immutable
parallel safe
return (not body ? 'owner' or jsonb_typeof(body -> 'owner') = 'string' and length(body ->> 'owner') between 1 and 200)
    and (not body ? 'idempotency_key'
        or jsonb_typeof(body -> 'idempotency_key') = 'string' and length(body ->> 'idempotency_key') between 1 and 200)
    and (not body ? 'reason' or jsonb_typeof(body -> 'reason') = 'string' and length(body ->> 'reason') between 1 and 500)
    and (not body ? 'reference' or jsonb_typeof(body -> 'reference') = 'string' and length(body ->> 'reference') between 1 and 200)
    and (not body ? 'correlation_id'
        or jsonb_typeof(body -> 'correlation_id') = 'string' and length(body ->> 'correlation_id') between 1 and 200)
    and (not body ? 'user_id' or jsonb_typeof(body -> 'user_id') = 'string' and length(body ->> 'user_id') between 1 and 200)
    and (not body ? 'source' or jsonb_typeof(body -> 'source') = 'string' and length(body ->> 'source') between 1 and 100)
    and (not body ? 'traceparent'
        or jsonb_typeof(body -> 'traceparent') = 'string' and length(body ->> 'traceparent') between 1 and 200);

comment on function internal.has_plain_texts(jsonb) is 'Whether the text fields that a command has are within their bounds.';
