-- Makes or changes locations by id, at most 1,000 in one call, all or nothing. Absent fields keep what the location has (or get the
-- default of a new one, its id as its name). A location that stays as it is keeps its version. An entry may have the expected_version of its
-- location (0 = there is none yet).
-- Errors: IV006 stale_version, IV007, IV008 invalid_argument (DETAIL names entry and field), IV013 batch_too_large. Locks locations in id order.
-- Idempotent by nature, and by idempotency_key. Security definer because only the owner writes tables.
create or replace function api.upsert_locations(locations jsonb, idempotency_key text default null)
returns setof api.location_change
language plpgsql
volatile
security definer
rows 20
set search_path = ''
as $$
declare
    v_request constant jsonb := jsonb_build_object('locations', locations);
    v_answer jsonb;
begin
    perform internal.check_entries(locations, 'locations');
    if idempotency_key is null then
        perform internal.save_locations(locations);
        return query select c.* from internal.location_changes(locations) as c;
        return;
    end if;
    perform internal.check_request(jsonb_build_object('idempotency_key', idempotency_key));
    v_answer := internal.find_answer('upsert_locations', idempotency_key, v_request);
    if v_answer is null then
        perform internal.save_locations(locations);
        v_answer := internal.keep_answer('upsert_locations', idempotency_key, v_request, jsonb_build_object('rows', array(
            select to_jsonb(c) from internal.location_changes(locations) as c)));
    end if;
    return query
    select c.*
    from internal.answered_rows(v_answer) as r
    cross join lateral jsonb_populate_record(null::api.location_change, r.answered) as c;
end
$$;

revoke execute on function api.upsert_locations(jsonb, text) from public;
grant execute on function api.upsert_locations(jsonb, text) to onhand_api, onhand_operator;
comment on function api.upsert_locations(jsonb, text) is 'Makes or changes locations by id, at most 1,000 in one call, all or nothing.';
