-- What tells one request under an idempotency key from another: leaves out the key and what may differ between a request and its retry.
-- Inlined by the planner: no set clause.
create or replace function internal.fingerprint(body jsonb)
returns bytea
language sql
immutable
parallel safe
return sha256(convert_to((body - '{idempotency_key,traceparent,correlation_id}'::text[])::text, 'UTF8'));

comment on function internal.fingerprint(jsonb) is 'What tells one request under an idempotency key from another.';
