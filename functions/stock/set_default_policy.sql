-- Sets the policy (deny, oversell, backorder) that stock levels made from now on get: of an item, wherever they are, or of a location, for
-- items that have none of their own. Null takes the default away. Levels that are there keep theirs: see api.set_stock_policy.
-- Returns the new version of the item or location (the old one if it had that policy already). Audited. Idempotent by nature.
-- Errors: IV003 unknown_item, IV004 unknown_location, IV008 (not exactly one of sku and location, another policy, a digital item),
-- IV016 not_stockable (a bundle). Locks the row of the item or location. Security definer because only the owner writes tables.
create or replace function api.set_default_policy(sku text default null, location text default null, policy text default null)
returns bigint
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
    v_before text;
    v_version bigint;
begin
    if num_nonnulls(sku, location) <> 1 then
        perform internal.raise_error('IV008', internal.problem('sku, location', 'exactly one of them is required'));
    end if;
    perform internal.check_policy(case when sku is not null then internal.item_id_of(sku) end, null, null, policy);
    if sku is not null then
        select i.stock_policy, i.version into v_before, v_version
        from inventory.item as i where i.sku = set_default_policy.sku for no key update of i;
    else
        select l.stock_policy, l.version into v_before, v_version
        from inventory.location as l where l.id = internal.location_id_of(set_default_policy.location) for no key update of l;
    end if;
    if v_before is not distinct from policy then
        return v_version;
    end if;
    v_version := greatest(v_version + 1, internal.version_floor());
    update inventory.item as i
    set stock_policy = set_default_policy.policy, version = v_version, updated_at = clock_timestamp()
    where i.sku = set_default_policy.sku;
    update inventory.location as l
    set stock_policy = set_default_policy.policy, version = v_version, updated_at = clock_timestamp()
    where l.id = set_default_policy.location;
    insert into inventory.audit_entry (action, detail)
    values ('set_default_policy', jsonb_strip_nulls(jsonb_build_object('sku', sku, 'location', location))
        || jsonb_build_object('from', v_before, 'to', policy, 'version', v_version));
    return v_version;
end
$$;

revoke execute on function api.set_default_policy(text, text, text) from public;
grant execute on function api.set_default_policy(text, text, text) to onhand_api, onhand_operator;
comment on function api.set_default_policy(text, text, text) is 'Sets the policy that stock levels of an item or a location get when they are made.';
