-- Refuses a command of which an expected version (its own, or that of a line) is not the one of the level it is about (0 = no row yet). The rows are
-- locked. A line without a location is about the place that the command names.
-- Errors: IV006, IV008 where a line is about several levels (a bundle), and those of internal.expand_lines.
create or replace function internal.check_expected(command internal.command, enters boolean, bundles boolean)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_row record;
begin
    if command.expected_version is null and not jsonb_path_exists(command.body, '$.lines[*].expected_version') then
        return;
    end if;
    perform from internal.expand_lines(command, enters, bundles);
    for v_row in
        select i.sku, internal.line_location(command.body, l.line) as location, s.version, count(*) over (partition by l.entry) as parts,
            coalesce(command.expected_version, (l.line -> 'expected_version')::bigint) as expected
        from internal.command_lines(command.body) as l
        join inventory.item as n on n.sku = l.line ->> 'sku'
        cross join lateral internal.bundle_parts(n.id) as p
        join inventory.item as i on i.id = p.part_id
        left join inventory.stock_level as s on s.item_id = i.id and s.location_id = internal.line_location(command.body, l.line)
        where command.expected_version is not null or l.line ? 'expected_version'
        order by l.entry
    loop
        if v_row.parts > 1 then
            perform internal.raise_error('IV008', internal.problem('expected_version', 'goes with a single stock level, a bundle has several'));
        end if;
        perform internal.expect_version(v_row.expected, v_row.version, jsonb_build_object('sku', v_row.sku, 'location', v_row.location));
    end loop;
end
$$;

comment on function internal.check_expected(internal.command, boolean, boolean) is 'Refuses a command whose expected versions are not those of the rows.';
