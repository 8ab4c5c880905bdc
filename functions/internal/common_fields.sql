-- The fields that any command may have, whether or not its operation reads them. Inlined by the planner: no set clause.
create or replace function internal.common_fields()
returns text[]
language sql
immutable
parallel safe
return '{op,idempotency_key,owner,expires_in_seconds,expires_at,expected_version,reason,reason_code,reference,correlation_id,user_id,source,occurred_at,traceparent}'::text[];

comment on function internal.common_fields() is 'The fields that any command may have.';
