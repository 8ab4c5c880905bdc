-- Refuses a command whose expected_version is not that of the row it is about (0 = no row yet). The row is locked.
-- Errors: IV006, IV008 where it is about several rows (a bundle), and those of internal.expand_lines.
create or replace function internal.check_expected(command internal.command, enters boolean, bundles boolean)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_row record;
begin
    if command.expected_version is null then
        return;
    end if;
    select l.item_id, l.location_id, coalesce(s.version, 0) as version, count(*) over () as levels into v_row
    from internal.expand_lines(command, enters, bundles) as l
    left join inventory.stock_level as s on s.item_id = l.item_id and s.location_id = l.location_id
    limit 1;
    if v_row.levels > 1 then
        perform internal.raise_error('IV008', internal.problem('expected_version', 'goes with a single stock level, a bundle has several'));
    elsif v_row.version <> command.expected_version then
        perform internal.raise_error('IV006', jsonb_build_object('sku', (select i.sku from inventory.item as i where i.id = v_row.item_id),
            'location', v_row.location_id, 'version', v_row.version));
    end if;
end
$$;

comment on function internal.check_expected(internal.command, boolean, boolean) is 'Refuses a command whose expected_version is not that of the row.';
