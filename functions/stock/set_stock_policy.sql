-- Sets safety stock, reorder point and oversell policy of an item at a location; null leaves a setting as it is. Makes the
-- stock_level row if it is the first (expected_version 0 = no row yet). Writes a ledger row of type policy, since the row version grows.
-- Errors: IV003, IV004, IV006 stale_version, IV008, IV012. Locks the stock_level row.
-- Security definer because only the owner writes tables.
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
begin
    if v_problem is not null then
        perform internal.raise_error('IV008', v_problem);
    end if;
    perform internal.check_policy(safety_stock, reorder_point, policy);
    v_now := clock_timestamp();
    perform internal.ensure_movement_partition(v_now);
    perform internal.make_level(v_item_id, v_location_id, v_now);
    select s.* into v_row
    from inventory.stock_level as s
    where s.item_id = v_item_id and s.location_id = v_location_id
    for no key update of s;
    -- A row that carries this instant was made by this call.
    if expected_version <> (case when v_row.created_at = v_now then 0 else v_row.version end) then
        perform internal.raise_error('IV006', jsonb_build_object('sku', sku, 'location', location, 'version', v_row.version));
    elsif policy = 'deny' and v_row.available < 0 then
        perform internal.raise_error('IV001', jsonb_build_object('sku', sku, 'location', location, 'available', v_row.available));
    end if;
    v_now := greatest(clock_timestamp(), v_now);
    return query
    with changed as (
        update inventory.stock_level as s
        set safety_stock = coalesce(set_stock_policy.safety_stock, s.safety_stock),
            reorder_point = coalesce(set_stock_policy.reorder_point, s.reorder_point),
            policy = coalesce(set_stock_policy.policy, s.policy),
            status = internal.stock_status(s.available, greatest(
                coalesce(set_stock_policy.safety_stock, s.safety_stock),
                coalesce(set_stock_policy.reorder_point, s.reorder_point))),
            version = greatest(s.version + 1, internal.version_floor()),
            last_movement_at = v_now
        where s.item_id = v_item_id and s.location_id = v_location_id
        returning s.*
    ), recorded as (
        insert into inventory.stock_movement (item_id, location_id, version, type, on_hand, reserved, in_transit, backordered,
            damaged, available, reason, user_id, source, occurred_at, recorded_at)
        select c.item_id, c.location_id, c.version, 'policy', c.on_hand, c.reserved, c.in_transit, c.backordered, c.damaged,
            c.available, set_stock_policy.reason, set_stock_policy.user_id, coalesce(set_stock_policy.source, 'sql'), v_now, v_now
        from changed as c
    )
    select set_stock_policy.sku, c.item_id, c.location_id, c.on_hand, c.reserved, c.available, c.in_transit, c.backordered,
        c.damaged, c.safety_stock, c.reorder_point, c.policy, c.status, c.version, c.next_hold_at, c.last_movement_at, c.incoming
    from changed as c;
end
$$;

revoke execute on function api.set_stock_policy(text, text, bigint, bigint, text, bigint, text, text, text) from public;
grant execute on function api.set_stock_policy(text, text, bigint, bigint, text, bigint, text, text, text) to onhand_api, onhand_operator;
comment on function api.set_stock_policy(text, text, bigint, bigint, text, bigint, text, text, text) is 'Sets safety stock, reorder point and oversell policy of an item at a location.';
