-- Says which larger units an item has: units => '[{"unit": "CASE", "quantity": 12}]' (one CASE is 12 base units), in place of those before.
-- Whole numbers only, so that no conversion loses anything. What is set is a part of the item: its version grows where something changes,
-- and expected_version is the one that the item must have.
-- Errors: IV003, IV006 stale_version, IV007, IV008 (also for the base unit itself), IV013. Locks the item. Idempotent by nature, and by
-- idempotency_key. Security definer because only the owner writes tables.
create or replace function api.set_item_units(sku text, units jsonb, idempotency_key text default null,
    expected_version bigint default null)
returns setof api.unit_change
language plpgsql
volatile
security definer
rows 5
set search_path = ''
as $$
declare
    v_request constant jsonb := jsonb_build_object('sku', sku, 'units', units, 'expected_version', expected_version);
    v_item constant uuid := internal.item_id_of(sku);
    v_answer jsonb;
begin
    perform internal.check_request(jsonb_build_object('idempotency_key', idempotency_key));
    perform internal.check_parts(units, 'units', 'unit', 1, 1000000000);
    v_answer := internal.find_answer('set_item_units', idempotency_key, v_request);
    if v_answer is null then
        perform internal.write_units(v_item, units, expected_version);
        v_answer := internal.keep_answer('set_item_units', idempotency_key, v_request, jsonb_build_object('rows', array(
            select jsonb_build_object('unit', u.unit, 'quantity', u.factor, 'version', i.version)
            from inventory.item_unit as u
            join inventory.item as i on i.id = u.item_id
            where u.item_id = v_item
            order by u.factor, u.unit)));
    end if;
    return query
    select c.*
    from internal.answered_rows(v_answer) as r
    cross join lateral jsonb_populate_record(null::api.unit_change, r.answered) as c;
end
$$;

revoke execute on function api.set_item_units(text, jsonb, text, bigint) from public;
grant execute on function api.set_item_units(text, jsonb, text, bigint) to onhand_api, onhand_operator;
comment on function api.set_item_units(text, jsonb, text, bigint) is 'Says which larger units an item has.';
