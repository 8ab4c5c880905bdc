-- Which quantity of which item a reserve command takes where, in key order: where its lines say, or where its strategy finds it. Under
-- fewest_splits an order that one location can serve whole goes there. Of a partial demand for bundles whole ones.
-- Errors: those of expand_lines, IV001, IV004 for a location to choose from that does not exist.
create or replace function internal.allocate(command internal.command, instant timestamptz)
returns table (item_id uuid, location_id text, quantity bigint, line jsonb)
language plpgsql
volatile
rows 5
set search_path = ''
as $$
declare
    v_partial constant boolean := coalesce((command.body -> 'partial')::boolean, false);
    v_lines jsonb;
    v_line record;
    v_spread record;
    v_only text;
begin
    if v_partial and exists (
            select from internal.command_lines(command.body) as l join inventory.item as i on i.sku = l.line ->> 'sku' and i.kind = 'bundle')
    then
        v_lines := (select jsonb_agg(l) from internal.fit_lines(command, instant) as l);
    else
        v_lines := (select jsonb_agg(l) from internal.expand_lines(command, true, true) as l);
    end if;
    perform internal.check_location_use(w.id, false) from jsonb_array_elements_text(command.body -> 'locations') as w (id);
    if command.body ->> 'strategy' = 'fewest_splits' then
        v_only := internal.one_location(command, v_lines);
    end if;
    for v_line in
        select l.* from jsonb_to_recordset(v_lines) as l (item_id uuid, location_id text, quantity bigint, line jsonb)
    loop
        if v_only is not null or not command.body ? 'strategy' then
            return query select v_line.item_id, coalesce(v_only, v_line.location_id), v_line.quantity, v_line.line;
            continue;
        end if;
        select jsonb_agg(s) as parts, coalesce(sum(s.quantity), 0) as found into v_spread
        from internal.spread_demand(command, v_line.item_id, v_line.quantity) as s;
        if v_spread.found < v_line.quantity and not v_partial then
            perform internal.raise_error('IV001', jsonb_build_object(
                'sku', (select i.sku from inventory.item as i where i.id = v_line.item_id), 'requested', v_line.quantity,
                'available', v_spread.found));
        end if;
        return query
        select v_line.item_id, s.location_id, s.quantity, v_line.line
        from jsonb_to_recordset(v_spread.parts) as s (location_id text, quantity bigint);
    end loop;
end
$$;

comment on function internal.allocate(internal.command, timestamptz) is 'Which quantity of which item a reserve command takes where.';
