-- Sets safety stock, reorder point and policy (deny, oversell, backorder) of an item at a location; null leaves a setting as it is. Makes
-- the stock_level row if it is the first (expected_version 0 = no row yet). Writes a ledger row of type policy, since the row version
-- grows: its detail has the settings from then on. Under oversell nobody waits: who waited gets all, in order, before anybody else. Audited.
-- Errors: IV001 for deny or backorder while more is promised than there is, IV003, IV004, IV006 stale_version, IV008, IV012,
-- IV016 not_stockable (a bundle). Locks the stock_level row, then the reservations that get stock by it. Security definer because only the owner writes tables.
create or replace function api.set_stock_policy(sku text, location text, safety_stock bigint default null,
    reorder_point bigint default null, policy text default null, expected_version bigint default null,
    reason text default null, user_id text default null, source text default 'sql')
returns setof api.stock_state
language plpgsql
volatile
security definer
rows 1
set search_path = ''
as $$
declare
    v_item_id uuid := internal.item_id_of(sku);
    v_location_id text := internal.location_id_of(location);
    v_now timestamptz;
    v_problem constant jsonb := internal.check_texts(jsonb_strip_nulls(jsonb_build_object(
        'reason', reason, 'user_id', user_id, 'source', source)));
    v_row inventory.stock_level;
    v_levels internal.level[];
begin
    if v_problem is not null then
        perform internal.raise_error('IV008', v_problem);
    end if;
    perform internal.check_policy(v_item_id, safety_stock, reorder_point, policy);
    v_now := clock_timestamp();
    perform internal.ensure_movement_partition(v_now);
    perform internal.make_level(v_item_id, v_location_id, v_now);
    v_levels := array[internal.lock_level(v_item_id, v_location_id)];
    v_row := internal.level_or_empty(v_item_id, v_location_id, v_now);
    -- A row that carries this instant was made by this call.
    if expected_version <> (case when v_row.created_at = v_now then 0 else v_row.version end) then
        perform internal.raise_error('IV006', jsonb_build_object('sku', sku, 'location', location, 'version', v_row.version));
    end if;
    v_now := greatest(clock_timestamp(), v_now);
    if v_row.next_hold_at <= v_now then
        -- What is promised to nobody any more does not stand in the way.
        perform internal.free_due(v_levels, v_now);
        v_row := internal.level_or_empty(v_item_id, v_location_id, v_now);
    end if;
    if policy in ('deny', 'backorder') and v_row.available < 0 then
        perform internal.raise_error('IV001', jsonb_build_object('sku', sku, 'location', location, 'available', v_row.available));
    end if;
    v_row := internal.write_settings(v_row, safety_stock, reorder_point, policy, reason, user_id, source, v_now);
    v_row := internal.fill_after_settings(v_row, reason, user_id, source, v_now);
    perform internal.renew_filled(v_levels, v_now);
    return next row(sku, v_row.item_id, v_row.location_id, v_row.on_hand, v_row.reserved, v_row.available, v_row.in_transit,
        v_row.backordered, v_row.damaged, v_row.safety_stock, v_row.reorder_point, v_row.policy, v_row.status, v_row.version,
        v_row.next_hold_at, v_row.last_movement_at, v_row.incoming)::api.stock_state;
end
$$;

revoke execute on function api.set_stock_policy(text, text, bigint, bigint, text, bigint, text, text, text) from public;
grant execute on function api.set_stock_policy(text, text, bigint, bigint, text, bigint, text, text, text) to onhand_api, onhand_operator;
comment on function api.set_stock_policy(text, text, bigint, bigint, text, bigint, text, text, text) is 'Sets safety stock, reorder point and policy of an item at a location.';
