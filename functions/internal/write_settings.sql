-- Writes new settings (null = as it is) to a locked level and its ledger row: detail has what is in force from now on, and what was before.
-- Audited, in the name of the session, and of the user if one is named. Returns the level.
create or replace function internal.write_settings(level inventory.stock_level, safety_stock bigint, reorder_point bigint,
    policy text, reason text, user_id text, source text, instant timestamptz)
returns inventory.stock_level
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_before constant jsonb := jsonb_build_object(
        'safety_stock', level.safety_stock, 'reorder_point', level.reorder_point, 'policy', level.policy);
    v_after constant jsonb := v_before || jsonb_strip_nulls(jsonb_build_object(
        'safety_stock', safety_stock, 'reorder_point', reorder_point, 'policy', policy));
begin
    update inventory.stock_level as s
    set safety_stock = (v_after ->> 'safety_stock')::bigint, reorder_point = (v_after ->> 'reorder_point')::bigint,
        policy = v_after ->> 'policy', version = greatest(s.version + 1, internal.version_floor()), last_movement_at = instant,
        status = internal.level_status(v_after ->> 'policy', s.available,
            greatest((v_after ->> 'safety_stock')::bigint, (v_after ->> 'reorder_point')::bigint))
    where s.item_id = level.item_id and s.location_id = level.location_id
    returning s.* into level;
    insert into inventory.stock_movement (item_id, location_id, version, type, on_hand, reserved, in_transit, backordered, damaged,
        incoming, available, reason, user_id, source, occurred_at, recorded_at, detail)
    values (level.item_id, level.location_id, level.version, 'policy', level.on_hand, level.reserved, level.in_transit,
        level.backordered, level.damaged, level.incoming, level.available, write_settings.reason, write_settings.user_id,
        coalesce(write_settings.source, 'sql'), instant, instant, v_after || jsonb_build_object('before', v_before));
    insert into inventory.audit_entry (action, detail)
    select 'set_stock_policy', jsonb_strip_nulls(jsonb_build_object('sku', i.sku, 'location', level.location_id, 'from', v_before,
        'to', v_after, 'version', level.version, 'reason', write_settings.reason, 'user_id', write_settings.user_id))
    from inventory.item as i
    where i.id = level.item_id;
    return level;
end
$$;

comment on function internal.write_settings(inventory.stock_level, bigint, bigint, text, text, text, text, timestamptz) is 'Writes new settings to a locked level and its ledger row.';
