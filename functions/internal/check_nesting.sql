-- Refuses a bundle by which more than 16 bundles would lie in one another: those that contain it, itself, those in it. Errors: IV008.
create or replace function internal.check_nesting(bundle_id uuid)
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
    if (
        with recursive inside as (
            select check_nesting.bundle_id as id, 1 as depth
            union
            select c.component_id, p.depth + 1
            from inside as p
            join inventory.bundle_component as c on c.bundle_id = p.id
            join inventory.item as i on i.id = c.component_id and i.kind = 'bundle'
            where p.depth <= 16
        ), outside as (
            select check_nesting.bundle_id as id, 0 as depth
            union
            select c.bundle_id, p.depth + 1
            from outside as p
            join inventory.bundle_component as c on c.component_id = p.id
            where p.depth <= 16
        )
        select (select max(i.depth) from inside as i) + (select max(o.depth) from outside as o)
    ) > 16 then
        perform internal.raise_error('IV008', internal.problem('components', 'more than 16 bundles would lie in one another'));
    end if;
end
$$;

comment on function internal.check_nesting(uuid) is 'Refuses a bundle by which more than 16 would lie in one another.';
