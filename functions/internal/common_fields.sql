-- The fields that any command may have: who asks, why, and what for. (expected_version: of its document, else of its level.) Inlined by the planner: no set clause.
create or replace function internal.common_fields()
returns text[]
language sql
immutable
parallel safe
return '{op,idempotency_key,expected_version,reason,reason_code,reference,correlation_id,user_id,source,occurred_at,traceparent}'::text[];

comment on function internal.common_fields() is 'The fields that any command may have.';
