-- Makes or changes items by sku, at most 1,000 in one call, all or nothing. Fields that are absent keep what the item has (or get the
-- default of a new one; a new item needs a name). An item that stays as it is keeps its version.
-- Errors: IV003 unknown parent_sku, IV008 invalid_argument (DETAIL names entry and field), IV013 batch_too_large.
-- Locks the tree of parents if it changes it, so that two cannot close a circle together, then items in sku order; then,
-- without waiting for them (40001), the stock levels of those whose kind or tracking it changes. Idempotent by nature. Security definer because only the owner writes tables.
create or replace function api.upsert_items(items jsonb)
returns setof api.item_state
language plpgsql
volatile
security definer
rows 100
set search_path = ''
as $$
declare
    v_retyped uuid[];
begin
    perform internal.check_entries(items, 'items');
    if jsonb_path_exists(items, '$[*].parent_sku') then
        perform pg_advisory_xact_lock(hashtext('onhand.parent'));
    end if;
    perform internal.check_items(items);
    perform internal.ensure_categories(items);
    v_retyped := array(
        select i.id
        from jsonb_array_elements(items) as e (body)
        join inventory.item as i on i.sku = e.body ->> 'sku'
        where e.body ->> 'kind' <> i.kind or e.body ->> 'tracking' <> i.tracking);
    begin
        perform internal.write_items(items);
    exception
        when check_violation then
            -- Kind or tracking of an item may have been changed between the look at it and the lock: then the refusal says so.
            perform internal.check_items(items);
            raise;
    end;
    if jsonb_path_exists(items, '$[*].unit_of_measure') then
        -- So may its units, which are written under the lock that is held now.
        perform internal.check_items(items);
    end if;
    if v_retyped <> '{}' then
        perform internal.lock_retyped(v_retyped);
    end if;
    perform internal.check_parents(items);
    return query
    select s.*
    from jsonb_array_elements(items) with ordinality as e (body, position)
    cross join lateral internal.item_states(e.body ->> 'sku') as s
    order by e.position;
end
$$;

revoke execute on function api.upsert_items(jsonb) from public;
grant execute on function api.upsert_items(jsonb) to onhand_api, onhand_operator;
comment on function api.upsert_items(jsonb) is 'Makes or changes items by sku, at most 1,000 in one call, all or nothing.';
