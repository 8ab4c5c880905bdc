-- Checks and writes descriptions of items. Errors and locks: see api.upsert_items.
create or replace function internal.save_items(items jsonb)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_problem jsonb;
    v_retyped uuid[];
    v_before jsonb;
begin
    if jsonb_path_exists(items, '$[*].parent_sku') then
        perform pg_advisory_xact_lock(hashtext('onhand.parent'));
    end if;
    select r.problem || jsonb_build_object('entry', r.entry - 1) into v_problem
    from internal.item_rows(items) as r
    where r.problem is not null
    order by r.entry
    limit 1;
    if v_problem is null then
        v_problem := internal.item_conflict(items);
    end if;
    if v_problem is not null then
        perform internal.raise_error(coalesce(v_problem ->> 'code', 'IV008'), v_problem - 'code');
    end if;
    perform internal.ensure_categories(items);
    v_retyped := array(
        select i.id
        from jsonb_array_elements(items) as e (body)
        join inventory.item as i on i.sku = e.body ->> 'sku'
        where e.body ->> 'kind' <> i.kind or e.body ->> 'tracking' <> i.tracking);
    v_before := internal.write_items(items);
    if jsonb_path_exists(items, '$[*].expected_version') then
        perform internal.expect_versions(items, 'sku', v_before, (
            select jsonb_object_agg(i.sku, i.version)
            from jsonb_array_elements(items) as e (body)
            join inventory.item as i on i.sku = e.body ->> 'sku'));
    end if;
    if v_retyped <> '{}' then
        perform internal.lock_retyped(v_retyped);
    end if;
    perform internal.check_parents(items);
end
$$;

comment on function internal.save_items(jsonb) is 'Checks and writes descriptions of items.';
