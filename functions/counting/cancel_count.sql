-- Drops a count that is open or approved: nothing of it is posted.
-- expected_version: only if the count still has this version.
-- Errors: IV006 stale_version, IV007, IV008, IV031 unknown_count, IV032 where it is posted or cancelled. Locks the count.
-- Idempotent by idempotency_key. Security definer because only the owner writes tables.
create or replace function api.cancel_count(count_id uuid, user_id text default null, idempotency_key text default null,
    expected_version bigint default null)
returns setof api.count_summary
language plpgsql
volatile
security definer
rows 1
set search_path = ''
as $$
declare
    v_request constant jsonb := jsonb_build_object('count_id', count_id, 'user_id', user_id,
        'expected_version', expected_version);
    v_answer jsonb;
begin
    perform internal.check_request(jsonb_build_object('user_id', user_id, 'idempotency_key', idempotency_key));
    v_answer := internal.find_answer('cancel_count', idempotency_key, v_request);
    if v_answer is null then
        perform internal.expect_version(expected_version, (internal.lock_count(count_id, '{OPEN,APPROVED}')).version,
            jsonb_build_object('count_id', count_id));
        perform internal.close_count(count_id, 'CANCELLED', user_id);
        v_answer := internal.keep_answer('cancel_count', idempotency_key, v_request,
            (select to_jsonb(s) from internal.count_sums(count_id, false) as s));
    end if;
    return next jsonb_populate_record(null::api.count_summary, v_answer);
end
$$;

revoke execute on function api.cancel_count(uuid, text, text, bigint) from public;
grant execute on function api.cancel_count(uuid, text, text, bigint) to onhand_api, onhand_operator;
comment on function api.cancel_count(uuid, text, text, bigint) is 'Drops a count that is open or approved.';
