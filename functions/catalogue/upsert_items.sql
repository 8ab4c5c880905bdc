-- Makes or changes items by sku, at most 1,000 in one call, all or nothing. Fields that are absent keep what the item has (or get the
-- default of a new one; a new item needs a name). An item that stays as it is keeps its version. An entry may have the expected_version of
-- its item (0 = there is none yet).
-- Errors: IV003 unknown parent_sku, IV006 stale_version, IV007, IV008 invalid_argument (DETAIL names entry and field), IV013 batch_too_large.
-- Locks the tree of parents if it changes it, so that two cannot close a circle together, then items in sku order; then,
-- without waiting for them (40001), the stock levels of those whose kind or tracking it changes. Idempotent by nature, and by idempotency_key.
-- Security definer because only the owner writes tables.
create or replace function api.upsert_items(items jsonb, idempotency_key text default null)
returns setof api.item_change
language plpgsql
volatile
security definer
rows 100
set search_path = ''
as $$
declare
    v_request constant jsonb := jsonb_build_object('items', items);
    v_answer jsonb;
begin
    perform internal.check_entries(items, 'items');
    if idempotency_key is null then
        perform internal.save_items(items);
        return query select c.* from internal.item_changes(items) as c;
        return;
    end if;
    perform internal.check_request(jsonb_build_object('idempotency_key', idempotency_key));
    v_answer := internal.find_answer('upsert_items', idempotency_key, v_request);
    if v_answer is null then
        perform internal.save_items(items);
        v_answer := internal.keep_answer('upsert_items', idempotency_key, v_request, jsonb_build_object('rows', array(
            select to_jsonb(c) from internal.item_changes(items) as c)));
    end if;
    return query
    select c.*
    from internal.answered_rows(v_answer) as r
    cross join lateral jsonb_populate_record(null::api.item_change, r.answered) as c;
end
$$;

revoke execute on function api.upsert_items(jsonb, text) from public;
grant execute on function api.upsert_items(jsonb, text) to onhand_api, onhand_operator;
comment on function api.upsert_items(jsonb, text) is 'Makes or changes items by sku, at most 1,000 in one call, all or nothing.';
