-- The id of the location with this id. Errors: IV004 if there is none, IV008 for null.
create or replace function internal.location_id_of(id text)
returns text
language plpgsql
stable
set search_path = ''
as $$
declare
    v_id text;
begin
    if id is null then
        perform internal.raise_error('IV008', internal.problem('location', 'is required'));
    end if;
    select t.id into v_id from inventory.location as t where t.id = location_id_of.id;
    if v_id is null then
        perform internal.raise_error('IV004', jsonb_build_object('location', id));
    end if;
    return v_id;
end
$$;

comment on function internal.location_id_of(text) is 'The id of the location with this id.';
