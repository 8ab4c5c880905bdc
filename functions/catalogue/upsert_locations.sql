-- Makes or changes locations by id, at most 1,000 in one call, all or nothing. Absent fields keep what the location has (or get the
-- default of a new one, its id as its name). A location that stays as it is keeps its version.
-- Errors: IV008 invalid_argument (DETAIL names entry and field), IV013 batch_too_large. Locks locations in id order.
-- Idempotent by nature. Security definer because only the owner writes tables.
create or replace function api.upsert_locations(locations jsonb)
returns setof api.location_state
language plpgsql
volatile
security definer
rows 20
set search_path = ''
as $$
declare
    v_problem jsonb;
begin
    perform internal.check_entries(locations, 'locations');
    select r.problem || jsonb_build_object('entry', r.entry - 1) into v_problem
    from internal.location_rows(locations) as r
    where r.problem is not null
    order by r.entry
    limit 1;
    if v_problem is not null then
        perform internal.raise_error('IV008', v_problem);
    end if;
    perform internal.write_locations(locations);
    return query
    select l.id, l.name, l.type, l.priority, l.status, l.address, l.metadata, l.version, l.created_at, l.updated_at, l.stock_policy
    from jsonb_array_elements(locations) with ordinality as e (body, position)
    join inventory.location as l on l.id = e.body ->> 'id'
    order by e.position;
end
$$;

revoke execute on function api.upsert_locations(jsonb) from public;
grant execute on function api.upsert_locations(jsonb) to onhand_api, onhand_operator;
comment on function api.upsert_locations(jsonb) is 'Makes or changes locations by id, at most 1,000 in one call, all or nothing.';
