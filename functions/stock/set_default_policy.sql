-- Sets the policy (deny, oversell, backorder) that stock levels made from now on get: of an item, wherever they are, or of a location, for
-- items that have none of their own. Null takes the default away. Levels that are there keep theirs: see api.set_stock_policy.
-- Answers the new version of the item or location (the old one if it had that policy already; replayed marks the stored answer of an earlier request).
-- expected_version is the version that the item or location must have. Audited. Idempotent by nature, and by idempotency_key.
-- Errors: IV003 unknown_item, IV004 unknown_location, IV006 stale_version, IV007, IV008 (not exactly one of sku and location, another policy, a
-- digital item), IV016 not_stockable (a bundle). Locks the row of the item or location. Security definer because only the owner writes tables.
create or replace function api.set_default_policy(sku text default null, location text default null, policy text default null,
    idempotency_key text default null, expected_version bigint default null)
returns table (version bigint, replayed boolean)
language plpgsql
volatile
security definer
rows 1
set search_path = ''
as $$
declare
    v_request constant jsonb := jsonb_build_object('sku', sku, 'location', location, 'policy', policy,
        'expected_version', expected_version);
    v_answer jsonb;
begin
    perform internal.check_request(jsonb_build_object('idempotency_key', idempotency_key));
    if num_nonnulls(sku, location) <> 1 then
        perform internal.raise_error('IV008', internal.problem('sku, location', 'exactly one of them is required'));
    end if;
    v_answer := internal.find_answer('set_default_policy', idempotency_key, v_request);
    if v_answer is null then
        perform internal.check_policy(case when sku is not null then internal.item_id_of(sku) end, null, null, policy);
        v_answer := internal.keep_answer('set_default_policy', idempotency_key, v_request,
            jsonb_build_object('version', internal.write_default_policy(sku, location, policy, expected_version), 'replayed', false));
    end if;
    return query select (v_answer -> 'version')::bigint, (v_answer -> 'replayed')::boolean;
end
$$;

revoke execute on function api.set_default_policy(text, text, text, text, bigint) from public;
grant execute on function api.set_default_policy(text, text, text, text, bigint) to onhand_api, onhand_operator;
comment on function api.set_default_policy(text, text, text, text, bigint) is 'Sets the policy that stock levels of an item or a location get when they are made.';
