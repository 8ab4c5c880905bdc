-- Checks and writes descriptions of locations. Errors and locks: see api.upsert_locations.
create or replace function internal.save_locations(locations jsonb)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_problem jsonb;
    v_before jsonb;
begin
    select r.problem || jsonb_build_object('entry', r.entry - 1) into v_problem
    from internal.location_rows(locations) as r
    where r.problem is not null
    order by r.entry
    limit 1;
    if v_problem is not null then
        perform internal.raise_error('IV008', v_problem);
    end if;
    v_before := internal.write_locations(locations);
    if jsonb_path_exists(locations, '$[*].expected_version') then
        perform internal.expect_versions(locations, 'id', v_before, (
            select jsonb_object_agg(l.id, l.version)
            from jsonb_array_elements(locations) as e (body)
            join inventory.location as l on l.id = e.body ->> 'id'));
    end if;
end
$$;

comment on function internal.save_locations(jsonb) is 'Checks and writes descriptions of locations.';
