-- The first of the text fields of a command that is no text or too long; null if none is.
create or replace function internal.check_texts(command jsonb)
returns jsonb
language plpgsql
immutable
as $$
declare
    v_fields constant text[] := '{idempotency_key,owner,reason,reference,correlation_id,user_id,source,traceparent,reason_code}';
    v_most constant integer[] := '{200,200,500,200,200,200,100,200,40}';
begin
    for v_i in 1 .. cardinality(v_fields) loop
        if command ? v_fields[v_i] and (jsonb_typeof(command -> v_fields[v_i]) <> 'string'
                or length(command ->> v_fields[v_i]) not between 1 and v_most[v_i]) then
            return internal.problem(v_fields[v_i], 'must be a text of 1 to ' || v_most[v_i] || ' characters');
        end if;
    end loop;
    return null;
end
$$;

comment on function internal.check_texts(jsonb) is 'The first of the text fields of a command that is no text or too long.';
