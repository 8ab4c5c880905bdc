-- Writes the policy that new levels of an item or of a location get, audited; returns the version of the row. What stays as it is is not touched.
-- Locks the row. Errors: IV004, IV006 stale_version.
create or replace function internal.write_default_policy(sku text, location text, policy text, expected_version bigint)
returns bigint
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_place constant jsonb := jsonb_strip_nulls(jsonb_build_object('sku', sku, 'location', location));
    v_before text;
    v_version bigint;
begin
    if sku is not null then
        select i.stock_policy, i.version into v_before, v_version
        from inventory.item as i where i.sku = write_default_policy.sku for no key update of i;
    else
        select l.stock_policy, l.version into v_before, v_version
        from inventory.location as l where l.id = internal.location_id_of(write_default_policy.location) for no key update of l;
    end if;
    perform internal.expect_version(expected_version, v_version, v_place);
    if v_before is not distinct from policy then
        return v_version;
    end if;
    v_version := greatest(v_version + 1, internal.version_floor());
    update inventory.item as i
    set stock_policy = write_default_policy.policy, version = v_version, updated_at = clock_timestamp()
    where i.sku = write_default_policy.sku;
    update inventory.location as l
    set stock_policy = write_default_policy.policy, version = v_version, updated_at = clock_timestamp()
    where l.id = write_default_policy.location;
    insert into inventory.audit_entry (action, detail)
    values ('set_default_policy', v_place || jsonb_build_object('from', v_before, 'to', policy, 'version', v_version));
    return v_version;
end
$$;

comment on function internal.write_default_policy(text, text, text, bigint) is 'Writes the policy that new levels of an item or of a location get.';
