-- Refuses texts of a request that are too long; those that are null are left out. Errors: IV008.
create or replace function internal.check_request(texts jsonb)
returns void
language plpgsql
immutable
set search_path = ''
as $$
declare
    v_problem constant jsonb := internal.check_texts(jsonb_strip_nulls(texts));
begin
    if v_problem is not null then
        perform internal.raise_error('IV008', v_problem);
    end if;
end
$$;

comment on function internal.check_request(jsonb) is 'Refuses texts of a request that are too long.';
