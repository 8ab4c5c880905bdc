-- Raises a refusal the way every client sees it: SQLSTATE of class IV, plain message, DETAIL = JSON, HINT = what to do.
create or replace function internal.raise_error(code text, detail jsonb)
returns void
language plpgsql
immutable
set search_path = ''
as $$
declare
    v_text record;
begin
    v_text := internal.error_text(code);
    raise exception using
        errcode = code,
        message = v_text.message,
        detail = coalesce(detail, '{}')::text,
        hint = v_text.hint;
end
$$;

comment on function internal.raise_error(text, jsonb) is 'Raises a refusal with its message, JSON detail and hint.';
