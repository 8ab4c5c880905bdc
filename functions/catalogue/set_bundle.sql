-- Says what a bundle consists of: components => '[{"sku", "quantity"}]', in place of what it consisted of before. A component may be a bundle.
-- Reservations that exist keep what they hold. What is set is a part of the item: its version grows where something changes, and
-- expected_version is the one that the item must have.
-- Errors: IV003 unknown_item, IV006 stale_version, IV007, IV008 (also if the item is no bundle, or bundles would nest deeper than 16), IV013,
-- IV017 bundle_cycle. Locks all bundle definitions against each other, so that two cannot close a circle together, then the item.
-- Idempotent by nature, and by idempotency_key. Security definer because only the owner writes tables.
create or replace function api.set_bundle(sku text, components jsonb, idempotency_key text default null,
    expected_version bigint default null)
returns setof api.bundle_change
language plpgsql
volatile
security definer
rows 5
set search_path = ''
as $$
declare
    v_request constant jsonb := jsonb_build_object('sku', sku, 'components', components, 'expected_version', expected_version);
    v_bundle constant uuid := internal.item_id_of(sku);
    v_answer jsonb;
begin
    perform internal.check_request(jsonb_build_object('idempotency_key', idempotency_key));
    perform internal.check_parts(components, 'components', 'sku', 1, 1000000);
    v_answer := internal.find_answer('set_bundle', idempotency_key, v_request);
    if v_answer is null then
        if not exists (select from inventory.item as i where i.id = v_bundle and i.kind = 'bundle') then
            perform internal.raise_error('IV008', internal.problem('sku', 'must be an item of kind bundle'));
        end if;
        perform internal.write_bundle(v_bundle, components, expected_version);
        v_answer := internal.keep_answer('set_bundle', idempotency_key, v_request, jsonb_build_object('rows', array(
            select to_jsonb(b) || jsonb_build_object('version', i.version)
            from api.get_bundle(set_bundle.sku) as b
            join inventory.item as i on i.id = v_bundle
            order by b.component)));
    end if;
    return query
    select c.*
    from internal.answered_rows(v_answer) as r
    cross join lateral jsonb_populate_record(null::api.bundle_change, r.answered) as c;
end
$$;

revoke execute on function api.set_bundle(text, jsonb, text, bigint) from public;
grant execute on function api.set_bundle(text, jsonb, text, bigint) to onhand_api, onhand_operator;
comment on function api.set_bundle(text, jsonb, text, bigint) is 'Says what a bundle consists of.';
