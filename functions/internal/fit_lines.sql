-- What of the lines of a partial reserve command can be had, each after the ones before it: of a bundle only whole ones, for half of one is of no
-- use. Shape and errors as internal.expand_lines.
create or replace function internal.fit_lines(command internal.command, instant timestamptz)
returns table (item_id uuid, location_id text, quantity bigint, line jsonb)
language plpgsql
volatile
rows 5
set search_path = ''
as $$
declare
    v_all constant jsonb := (select jsonb_agg(l) from internal.expand_lines(command, true, true) as l);
    v_line record;
    v_taken jsonb := '{}';
    v_count numeric;
begin
    for v_line in
        select i.id, l.line ->> 'location' as location_id,
            (l.line -> 'quantity')::numeric * internal.unit_factor(i.id, i.sku, l.line ->> 'unit') as wanted
        from internal.command_lines(command.body) as l
        join inventory.item as i on i.sku = l.line ->> 'sku'
        order by l.entry
    loop
        select least(v_line.wanted, min(floor((internal.free_units(command, p.part_id, v_line.location_id, instant)
            - coalesce((v_taken -> concat_ws(' ', p.part_id, v_line.location_id))::numeric, 0)) / p.quantity))) into v_count
        from internal.bundle_parts(v_line.id) as p;
        v_taken := v_taken || (
            select jsonb_object_agg(concat_ws(' ', p.part_id, v_line.location_id), v_count * p.quantity
                + coalesce((v_taken -> concat_ws(' ', p.part_id, v_line.location_id))::numeric, 0))
            from internal.bundle_parts(v_line.id) as p);
    end loop;
    return query
    select l.item_id, l.location_id collate "C", t.quantity::bigint, l.line
    from jsonb_to_recordset(v_all) as l (item_id uuid, location_id text, line jsonb)
    cross join lateral (select (v_taken -> concat_ws(' ', l.item_id, l.location_id))::numeric) as t (quantity)
    where t.quantity > 0
    order by l.item_id, 2;
end
$$;

comment on function internal.fit_lines(internal.command, timestamptz) is 'What of the lines of a partial reserve command can be had.';
