-- Writes what a bundle consists of, in place of what it consisted of before, and gives the bundle a new version. What stays as it is is not touched.
-- All bundle definitions are locked against each other, so that two cannot close a circle together, then the item.
-- Errors: IV003, IV006 stale_version, IV008 nested deeper than 16, IV017 bundle_cycle.
create or replace function internal.write_bundle(bundle uuid, components jsonb, expected_version bigint)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_unknown text;
    v_parts jsonb;
begin
    select e.part ->> 'sku' into v_unknown
    from jsonb_array_elements(components) as e (part)
    where not exists (select from inventory.item as i where i.sku = e.part ->> 'sku')
    limit 1;
    if v_unknown is not null then
        perform internal.raise_error('IV003', jsonb_build_object('sku', v_unknown));
    end if;
    perform pg_advisory_xact_lock(hashtext('onhand.bundle'));
    perform internal.lock_item(bundle, expected_version);
    v_parts := (
        select jsonb_object_agg(i.id, internal.json_integer(e.part -> 'quantity'))
        from jsonb_array_elements(components) as e (part)
        join inventory.item as i on i.sku = e.part ->> 'sku');
    if v_parts is not distinct from (
        select jsonb_object_agg(c.component_id, c.quantity) from inventory.bundle_component as c where c.bundle_id = bundle)
    then
        return;
    end if;
    perform internal.check_cycle(bundle, array(select p.id::uuid from jsonb_object_keys(v_parts) as p (id)));
    delete from inventory.bundle_component as c where c.bundle_id = bundle;
    insert into inventory.bundle_component (bundle_id, component_id, quantity)
    select bundle, p.id::uuid, p.quantity::bigint from jsonb_each(v_parts) as p (id, quantity);
    perform internal.check_nesting(bundle);
    perform internal.renew_item(bundle);
end
$$;

comment on function internal.write_bundle(uuid, jsonb, bigint) is 'Writes what a bundle consists of.';
