-- Enters what was counted of an item: of a lot of it (lot), or which units (serials), where it is tracked so. The ledger says what was on hand at the
-- counting moment (counted_at, now unless it is given): what moves before the count is posted does not disturb it. A line may be counted
-- again until the count is approved: the last time counts. An item that is not on the count yet is added: it turned up.
-- expected_version: only if the count still has this version.
-- Errors: IV003, IV006 stale_version, IV007, IV008, IV012, IV013 (1,000 lines), IV016 (a bundle is counted by its components), IV021, IV023, IV031 unknown_count,
-- IV032 not open, IV033. Locks the count. Idempotent by idempotency_key. Security definer because only the owner writes tables.
create or replace function api.count_line(count_id uuid, sku text, counted bigint default null,
    counted_at timestamptz default null, lot text default null, serials text[] default null, user_id text default null,
    idempotency_key text default null, expected_version bigint default null)
returns setof api.count_line_state
language plpgsql
volatile
security definer
rows 1
set search_path = ''
as $$
declare
    v_now constant timestamptz := clock_timestamp();
    v_request constant jsonb := jsonb_build_object('count_id', count_id, 'sku', sku, 'counted', counted, 'counted_at', counted_at,
        'lot', lot, 'serials', serials, 'user_id', user_id, 'expected_version', expected_version);
    v_counted constant bigint := coalesce(counted, cardinality(serials));
    v_count inventory.stock_count;
    v_item inventory.item;
    v_answer jsonb;
begin
    perform internal.check_request(jsonb_build_object('user_id', user_id, 'idempotency_key', idempotency_key));
    v_answer := internal.find_answer('count_line', idempotency_key, v_request);
    if v_answer is null then
        v_count := internal.lock_count(count_id, '{OPEN}');
        perform internal.expect_version(expected_version, v_count.version, jsonb_build_object('count_id', count_id));
        select i.* into v_item from inventory.item as i where i.id = internal.item_id_of(count_line.sku);
        perform internal.check_item_use(v_item, sku, false, false);
        perform internal.check_counted(v_item, v_counted, counted_at, lot, serials, v_now);
        perform internal.write_counted(v_count, v_item, v_counted, coalesce(counted_at, v_now), lot,
            case when v_item.tracking = 'serial' then coalesce(serials, '{}') end, user_id);
        v_answer := internal.keep_answer('count_line', idempotency_key, v_request,
            (select to_jsonb(l) || '{"replayed": false}' from internal.count_lines(count_id, v_item.id, lot) as l));
    end if;
    return next jsonb_populate_record(null::api.count_line_state, v_answer);
end
$$;

revoke execute on function api.count_line(uuid, text, bigint, timestamptz, text, text[], text, text, bigint) from public;
grant execute on function api.count_line(uuid, text, bigint, timestamptz, text, text[], text, text, bigint) to onhand_api, onhand_operator;
comment on function api.count_line(uuid, text, bigint, timestamptz, text, text[], text, text, bigint) is 'Enters what was counted of an item.';
