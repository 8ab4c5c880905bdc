-- Checks and writes descriptions of items. Errors and locks: see api.upsert_items.
create or replace function internal.save_items(items jsonb)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_retyped uuid[];
    v_before jsonb;
begin
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
        v_before := internal.write_items(items);
    exception
        when check_violation then
            -- Kind or tracking of an item may have been changed between the look at it and the lock: then the refusal says so.
            perform internal.check_items(items);
            raise;
    end;
    if jsonb_path_exists(items, '$[*].expected_version') then
        perform internal.expect_versions(items, 'sku', v_before, (
            select jsonb_object_agg(i.sku, i.version)
            from jsonb_array_elements(items) as e (body)
            join inventory.item as i on i.sku = e.body ->> 'sku'));
    end if;
    if jsonb_path_exists(items, '$[*].unit_of_measure') then
        -- So may its units, which are written under the lock that is held now.
        perform internal.check_items(items);
    end if;
    if v_retyped <> '{}' then
        perform internal.lock_retyped(v_retyped);
    end if;
    perform internal.check_parents(items);
end
$$;

comment on function internal.save_items(jsonb) is 'Checks and writes descriptions of items.';
