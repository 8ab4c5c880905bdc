-- Refuses items of a set that have become their own ancestors. Errors: IV008, naming entry and field.
create or replace function internal.check_parents(items jsonb)
returns void
language plpgsql
stable
set search_path = ''
as $$
declare
    v_entry bigint;
begin
    with recursive above as (
        select e.entry, i.id as top, i.parent_id as id
        from jsonb_array_elements(items) with ordinality as e (body, entry)
        join inventory.item as i on i.sku = e.body ->> 'sku'
        where e.body ? 'parent_sku'
        union
        select a.entry, a.top, i.parent_id
        from above as a
        join inventory.item as i on i.id = a.id
    )
    select min(a.entry) into v_entry from above as a where a.id = a.top;
    if v_entry is not null then
        perform internal.raise_error('IV008', internal.problem('parent_sku', 'leads back to the item itself')
            || jsonb_build_object('entry', v_entry - 1));
    end if;
end
$$;

comment on function internal.check_parents(jsonb) is 'Refuses items of a set that have become their own ancestors.';
