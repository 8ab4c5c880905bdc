-- Refuses components that lead back to their bundle. Errors: IV017 bundle_cycle, naming the component.
create or replace function internal.check_cycle(bundle_id uuid, components uuid[])
returns void
language plpgsql
stable
set search_path = ''
as $$
declare
    v_sku text;
begin
    with recursive below as (
        select c.id as top, c.id
        from unnest(components) as c (id)
        union
        select b.top, c.component_id
        from below as b
        join inventory.bundle_component as c on c.bundle_id = b.id
    )
    select i.sku into v_sku
    from below as b
    join inventory.item as i on i.id = b.top
    where b.id = check_cycle.bundle_id
    limit 1;
    if v_sku is not null then
        perform internal.raise_error('IV017', jsonb_build_object('component', v_sku));
    end if;
end
$$;

comment on function internal.check_cycle(uuid, uuid[]) is 'Refuses components that lead back to their bundle.';
