-- Sets how the orders for an item at a location are worked out; null keeps what is there (at first: eoq, service level 0.95, no review period, 90
-- days of demand). Safety stock and reorder point themselves are settings of the stock level: api.set_stock_policy.
-- expected_version is the one that the settings must have (0 = there are none yet).
-- Errors: IV003, IV004, IV006 stale_version, IV007, IV008 invalid_argument, IV016 (a bundle is not ordered). Locks the settings. Idempotent by nature, and
-- by idempotency_key.
-- Security definer because only the owner writes tables.
create or replace function api.set_item_planning(sku text, location text, method text default null,
    service_level numeric default null, review_period_days numeric default null, demand_days integer default null,
    ordering_cost bigint default null, holding_cost_rate numeric default null, min_level bigint default null,
    max_level bigint default null, fixed_quantity bigint default null,
    idempotency_key text default null, expected_version bigint default null)
returns setof api.item_planning_change
language plpgsql
volatile
security definer
rows 1
set search_path = ''
as $$
declare
    v_request constant jsonb := jsonb_build_object('sku', sku, 'location', location, 'method', method, 'service_level', service_level,
        'review_period_days', review_period_days, 'demand_days', demand_days, 'ordering_cost', ordering_cost,
        'holding_cost_rate', holding_cost_rate, 'min_level', min_level, 'max_level', max_level, 'fixed_quantity', fixed_quantity,
        'expected_version', expected_version);
    v_item_id constant uuid := internal.item_id_of(sku);
    v_location_id constant text := internal.location_id_of(location);
    v_row inventory.item_planning;
    v_problem jsonb;
    v_answer jsonb;
begin
    perform internal.check_request(jsonb_build_object('idempotency_key', idempotency_key));
    v_answer := internal.find_answer('set_item_planning', idempotency_key, v_request);
    if v_answer is null then
        -- The row may not be there yet: who makes it at the same moment with other fields is waited for, so that both keep theirs.
        perform pg_advisory_xact_lock(hashtextextended(concat_ws(' ', 'onhand.item_planning', v_item_id, v_location_id), 0));
        select p.* into v_row
        from inventory.item_planning as p
        where p.item_id = v_item_id and p.location_id = v_location_id
        for no key update of p;
        perform internal.expect_version(expected_version, v_row.version, jsonb_build_object('sku', sku, 'location', v_location_id));
        v_row.item_id := v_item_id;
        v_row.location_id := v_location_id;
        v_row.method := coalesce(method, v_row.method, 'eoq');
        v_row.service_level := coalesce(service_level, v_row.service_level, 0.95);
        v_row.review_period_days := coalesce(review_period_days, v_row.review_period_days, 0);
        v_row.demand_days := coalesce(demand_days, v_row.demand_days, 90);
        v_row.ordering_cost := coalesce(ordering_cost, v_row.ordering_cost);
        v_row.holding_cost_rate := coalesce(holding_cost_rate, v_row.holding_cost_rate);
        v_row.min_level := coalesce(min_level, v_row.min_level);
        v_row.max_level := coalesce(max_level, v_row.max_level);
        v_row.fixed_quantity := coalesce(fixed_quantity, v_row.fixed_quantity);
        v_problem := internal.check_planning(v_row);
        if v_problem is not null then
            perform internal.raise_error('IV008', v_problem);
        elsif exists (select from inventory.item as i where i.id = v_item_id and i.kind = 'bundle') then
            perform internal.raise_error('IV016', jsonb_build_object('sku', sku));
        end if;
        perform internal.write_planning(v_row);
        v_answer := internal.keep_answer('set_item_planning', idempotency_key, v_request, (
            select to_jsonb(p) || '{"replayed": false}' from api.get_item_planning(sku, location) as p));
    end if;
    return next jsonb_populate_record(null::api.item_planning_change, v_answer);
end
$$;

revoke execute on function api.set_item_planning(text, text, text, numeric, numeric, integer, bigint, numeric, bigint, bigint, bigint, text, bigint) from public;
grant execute on function api.set_item_planning(text, text, text, numeric, numeric, integer, bigint, numeric, bigint, bigint, bigint, text, bigint) to onhand_api, onhand_operator;
comment on function api.set_item_planning(text, text, text, numeric, numeric, integer, bigint, numeric, bigint, bigint, bigint, text, bigint) is 'Sets how the orders for an item at a location are worked out.';
