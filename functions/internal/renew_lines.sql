-- Carries the expected versions of the lines of a command over the freeing of due holds, as internal.renew_expected does for plain lines.
create or replace function internal.renew_lines(body jsonb, levels internal.level[])
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
begin
    if not coalesce(jsonb_path_exists(body, '$.lines[*].expected_version'), false) then
        return body;
    end if;
    return body || jsonb_build_object('lines', (
        select jsonb_agg(l.line || coalesce((
            select jsonb_build_object('expected_version', s.version)
            from inventory.item as i
            cross join lateral internal.bundle_parts(i.id) as p
            join unnest(levels) as v on v.item_id = p.part_id and v.location_id = internal.line_location(body, l.line)
            join inventory.stock_level as s on s.item_id = v.item_id and s.location_id = v.location_id
            where i.sku = l.line ->> 'sku' and v.version = (l.line -> 'expected_version')::bigint
            limit 1), '{}') order by l.entry)
        from internal.command_lines(body) as l));
end
$$;

comment on function internal.renew_lines(jsonb, internal.level[]) is 'Carries the expected versions of lines over the freeing of due holds.';
