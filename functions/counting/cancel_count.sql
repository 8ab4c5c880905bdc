-- Drops a count that is open or approved: nothing of it is posted.
-- Errors: IV007, IV008, IV031 unknown_count, IV032 where it is posted or cancelled. Locks the count.
-- Idempotent by idempotency_key. Security definer because only the owner writes tables.
create or replace function api.cancel_count(count_id uuid, user_id text default null, idempotency_key text default null)
returns setof api.count_summary
language plpgsql
volatile
security definer
rows 1
set search_path = ''
as $$
declare
    v_request constant jsonb := jsonb_build_object('count_id', count_id, 'user_id', user_id);
    v_replayed boolean;
begin
    perform internal.check_request(jsonb_build_object('user_id', user_id, 'idempotency_key', idempotency_key));
    v_replayed := internal.find_answer('cancel_count', idempotency_key, v_request) is not null;
    if not v_replayed then
        perform internal.lock_count(count_id, '{OPEN,APPROVED}');
        perform internal.close_count(count_id, 'CANCELLED', user_id);
        perform internal.keep_answer('cancel_count', idempotency_key, v_request, jsonb_build_object('count_id', count_id));
    end if;
    return query select s.* from internal.count_sums(count_id, v_replayed) as s;
end
$$;

revoke execute on function api.cancel_count(uuid, text, text) from public;
grant execute on function api.cancel_count(uuid, text, text) to onhand_api, onhand_operator;
comment on function api.cancel_count(uuid, text, text) is 'Drops a count that is open or approved.';
