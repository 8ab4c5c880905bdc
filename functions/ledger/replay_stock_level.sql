-- Adds up the ledger of one stock level, up to a version or to its end, and returns the state that this leads to: what api.get_stock_level
-- must have said then, holds past their deadline included, since the ledger knows no time that passes. Begins at nothing, or at the
-- closing balance of the last month that was retired. Settings are those of that version. No rows if there is no movement until then.
-- Errors: IV003 unknown_item, IV004 unknown_location, IV008 for a negative version, IV033 history_retired for a version before the
-- first that can be replayed (DETAIL names it). Locks nothing. Security definer because readers of api have no right on the tables.
create or replace function api.replay_stock_level(sku text, location text, version bigint default null)
returns setof api.stock_state
language plpgsql
stable
security definer
rows 1
set search_path = ''
as $$
declare
    v_item_id constant uuid := internal.item_id_of(sku);
    v_location_id constant text := internal.location_id_of(location);
    v_first bigint;
begin
    if version < 0 then
        perform internal.raise_error('IV008', internal.problem('version', 'must be 0 or more'));
    end if;
    select b.version into v_first from internal.retired_balance(v_item_id, v_location_id) as b;
    if version < v_first then
        perform internal.raise_error('IV033', jsonb_build_object('sku', sku, 'location', location, 'version', version,
            'first_version', v_first, 'first_instant', internal.history_start()));
    end if;
    return query
    select replay_stock_level.sku, v_item_id, v_location_id, r.on_hand, r.reserved, r.on_hand - r.reserved, r.in_transit,
        r.backordered, r.damaged, v.safety_stock, v.reorder_point, v.policy,
        internal.level_status(v.policy, r.on_hand - r.reserved, greatest(v.safety_stock, v.reorder_point)),
        r.version, null::timestamptz, r.last_recorded_at, r.incoming
    from internal.replay_movements(v_item_id, v_location_id, replay_stock_level.version) as r
    cross join lateral jsonb_to_record(internal.settings_of(v_item_id, v_location_id, r.version))
        as v (safety_stock bigint, reorder_point bigint, policy text)
    where r.version is not null;
end
$$;

revoke execute on function api.replay_stock_level(text, text, bigint) from public;
grant execute on function api.replay_stock_level(text, text, bigint) to onhand_api, onhand_reader;
comment on function api.replay_stock_level(text, text, bigint) is 'Adds up the ledger of one stock level and returns the state that this leads to.';
