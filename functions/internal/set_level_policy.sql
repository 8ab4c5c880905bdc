-- Sets the settings of one stock level, which is made if it is missing; one that has them already is left as it is. Errors and locks: see
-- api.set_stock_policy.
create or replace function internal.set_level_policy(item_id uuid, location_id text, safety_stock bigint, reorder_point bigint,
    policy text, expected_version bigint, reason text, user_id text, source text)
returns inventory.stock_level
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_now timestamptz := clock_timestamp();
    v_about constant jsonb := jsonb_build_object('sku', (select i.sku from inventory.item as i where i.id = set_level_policy.item_id),
        'location', location_id);
    v_row inventory.stock_level;
    v_levels internal.level[];
begin
    perform internal.ensure_movement_partition(v_now);
    perform internal.make_level(item_id, location_id, v_now);
    v_levels := array[internal.lock_level(item_id, location_id)];
    v_row := internal.level_or_empty(item_id, location_id, v_now);
    -- A row that carries this instant was made by this call.
    if expected_version <> (case when v_row.created_at = v_now then 0 else v_row.version end) then
        perform internal.raise_error('IV006', v_about || jsonb_build_object('version', v_row.version));
    elsif v_row.created_at <> v_now and (coalesce(safety_stock, v_row.safety_stock), coalesce(reorder_point, v_row.reorder_point),
            coalesce(policy, v_row.policy)) = (v_row.safety_stock, v_row.reorder_point, v_row.policy) then
        return v_row;
    end if;
    v_now := greatest(clock_timestamp(), v_now);
    if v_row.next_hold_at <= v_now then
        -- What is promised to nobody any more does not stand in the way.
        perform internal.free_due(v_levels, v_now);
        v_row := internal.level_or_empty(item_id, location_id, v_now);
    end if;
    if policy in ('deny', 'backorder') and v_row.available < 0 then
        perform internal.raise_error('IV001', v_about || jsonb_build_object('available', v_row.available));
    end if;
    v_row := internal.write_settings(v_row, safety_stock, reorder_point, policy, reason, user_id, source, v_now);
    v_row := internal.fill_after_settings(v_row, reason, user_id, source, v_now);
    perform internal.renew_filled(v_levels, v_now);
    return v_row;
end
$$;

comment on function internal.set_level_policy(uuid, text, bigint, bigint, text, bigint, text, text, text) is 'Sets the settings of one stock level.';
