-- Sets safety stock, reorder point and policy (deny, oversell, backorder) of an item at a location; null leaves a setting as it is. Makes
-- the stock_level row if it is the first (expected_version 0 = no row yet). Writes a ledger row of type policy, since the row version
-- grows: its detail has the settings from then on. A level that has these settings already is left as it is, version and ledger too.
-- Under oversell nobody waits: who waited gets all, in order, before anybody else. Audited. Idempotent by nature, and by idempotency_key.
-- Errors: IV001 for deny or backorder while more is promised than there is, IV003, IV004, IV006 stale_version, IV007, IV008, IV012,
-- IV016 not_stockable (a bundle). Locks the stock_level row, then the reservations that get stock by it. Security definer because only the owner writes tables.
create or replace function api.set_stock_policy(sku text, location text, safety_stock bigint default null,
    reorder_point bigint default null, policy text default null, expected_version bigint default null,
    reason text default null, user_id text default null, source text default 'sql', idempotency_key text default null)
returns setof api.policy_change
language plpgsql
volatile
security definer
rows 1
set search_path = ''
as $$
declare
    v_request constant jsonb := jsonb_build_object('sku', sku, 'location', location, 'safety_stock', safety_stock,
        'reorder_point', reorder_point, 'policy', policy, 'reason', reason, 'user_id', user_id, 'source', source,
        'expected_version', expected_version);
    v_item_id constant uuid := internal.item_id_of(sku);
    v_location_id constant text := internal.location_id_of(location);
    v_row inventory.stock_level;
    v_answer jsonb;
begin
    perform internal.check_request(jsonb_build_object('reason', reason, 'user_id', user_id, 'source', source,
        'idempotency_key', idempotency_key));
    perform internal.check_policy(v_item_id, safety_stock, reorder_point, policy);
    v_answer := internal.find_answer('set_stock_policy', idempotency_key, v_request);
    if v_answer is null then
        v_row := internal.set_level_policy(v_item_id, v_location_id, safety_stock, reorder_point, policy, expected_version, reason,
            user_id, source);
        v_answer := internal.keep_answer('set_stock_policy', idempotency_key, v_request, to_jsonb(v_row)
            || jsonb_build_object('sku', sku, 'location', v_location_id, 'replayed', false));
    end if;
    return next jsonb_populate_record(null::api.policy_change, v_answer);
end
$$;

revoke execute on function api.set_stock_policy(text, text, bigint, bigint, text, bigint, text, text, text, text) from public;
grant execute on function api.set_stock_policy(text, text, bigint, bigint, text, bigint, text, text, text, text) to onhand_api, onhand_operator;
comment on function api.set_stock_policy(text, text, bigint, bigint, text, bigint, text, text, text, text) is 'Sets safety stock, reorder point and policy of an item at a location.';
