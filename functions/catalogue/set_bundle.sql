-- Says what a bundle consists of: components => '[{"sku", "quantity"}]', in place of what it consisted of before. A component may be a bundle.
-- Reservations that exist keep what they hold.
-- Errors: IV003 unknown_item, IV008 (also if the item is no bundle, or bundles would nest deeper than 16), IV013, IV017 bundle_cycle.
-- Locks all bundle definitions against each other, so that two cannot close a circle together. Idempotent by nature.
-- Security definer because only the owner writes tables.
create or replace function api.set_bundle(sku text, components jsonb)
returns table (bundle text, component text, quantity bigint)
language plpgsql
volatile
security definer
rows 5
set search_path = ''
as $$
declare
    v_bundle constant uuid := internal.item_id_of(sku);
    v_unknown text;
begin
    perform internal.check_parts(components, 'components', 'sku', 1, 1000000);
    if not exists (select from inventory.item as i where i.id = v_bundle and i.kind = 'bundle') then
        perform internal.raise_error('IV008', internal.problem('sku', 'must be an item of kind bundle'));
    end if;
    select e.part ->> 'sku' into v_unknown
    from jsonb_array_elements(components) as e (part)
    where not exists (select from inventory.item as i where i.sku = e.part ->> 'sku')
    limit 1;
    if v_unknown is not null then
        perform internal.raise_error('IV003', jsonb_build_object('sku', v_unknown));
    end if;
    perform pg_advisory_xact_lock(hashtext('onhand.bundle'));
    perform internal.check_cycle(v_bundle, array(
        select i.id from jsonb_array_elements(components) as e (part) join inventory.item as i on i.sku = e.part ->> 'sku'));
    delete from inventory.bundle_component as c where c.bundle_id = v_bundle;
    insert into inventory.bundle_component (bundle_id, component_id, quantity)
    select v_bundle, i.id, internal.json_integer(e.part -> 'quantity')
    from jsonb_array_elements(components) as e (part)
    join inventory.item as i on i.sku = e.part ->> 'sku';
    perform internal.check_nesting(v_bundle);
    return query select b.bundle, b.component, b.quantity from api.get_bundle(set_bundle.sku) as b;
end
$$;

revoke execute on function api.set_bundle(text, jsonb) from public;
grant execute on function api.set_bundle(text, jsonb) to onhand_api, onhand_operator;
comment on function api.set_bundle(text, jsonb) is 'Says what a bundle consists of.';
