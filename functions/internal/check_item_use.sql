-- Refuses a line that names what does not exist or may not be used. Errors: IV003, IV010 (receiving or reserving, also a component of a bundle),
-- IV016 (a bundle, where only its components can be meant, or one without any).
create or replace function internal.check_item_use(item inventory.item, sku text, enters boolean, bundles boolean)
returns void
language plpgsql
stable
set search_path = ''
as $$
declare
    v_archived text;
begin
    if item.id is null then
        perform internal.raise_error('IV003', jsonb_build_object('sku', sku));
    elsif item.status = 'archived' and enters then
        perform internal.raise_error('IV010', jsonb_build_object('sku', sku));
    elsif item.kind = 'bundle' and (not bundles
            or not exists (select from internal.bundle_parts(item.id))) then
        perform internal.raise_error('IV016', jsonb_build_object('sku', sku));
    elsif item.kind = 'bundle' and enters then
        select min(i.sku) into v_archived
        from internal.bundle_parts(item.id) as p
        join inventory.item as i on i.id = p.part_id and i.status = 'archived';
        if v_archived is not null then
            perform internal.raise_error('IV010', jsonb_build_object('sku', v_archived, 'bundle', sku));
        end if;
    end if;
end
$$;

comment on function internal.check_item_use(inventory.item, text, boolean, boolean) is 'Refuses a line whose item does not exist or may not be used so.';
