-- Which quantity of which item a reserve command takes where, in key order: where its lines say, or where its strategy finds it. Under
-- fewest_splits an order that one location can serve whole goes there.
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
    v_only text;
    v_short record;
begin
    if v_partial then
        v_lines := (select jsonb_agg(l) from internal.fit_lines(command, instant) as l);
    else
        v_lines := (select jsonb_agg(l) from internal.expand_lines(command, true, true) as l);
    end if;
    perform internal.check_location_use(w.id, false) from jsonb_array_elements_text(command.body -> 'locations') as w (id);
    if not command.body ? 'strategy' then
        return query
        select l.item_id, l.location_id, l.quantity, l.line
        from jsonb_to_recordset(v_lines) as l (item_id uuid, location_id text, quantity bigint, line jsonb);
        return;
    end if;
    if command.body ->> 'strategy' = 'fewest_splits' then
        v_only := internal.one_location(command, v_lines);
    end if;
    return query
    select l.item_id, s.location_id collate "C", s.quantity, l.line
    from jsonb_to_recordset(v_lines) as l (item_id uuid, quantity bigint, line jsonb)
    cross join lateral (
        select v_only, l.quantity where v_only is not null
        union all
        select s.location_id, s.quantity from internal.spread_demand(command, l.item_id, l.quantity) as s where v_only is null
    ) as s (location_id, quantity)
    order by l.item_id, 2;
    select i.sku, l.quantity, coalesce(sum(s.quantity), 0) as found into v_short
    from jsonb_to_recordset(v_lines) as l (item_id uuid, quantity bigint)
    join inventory.item as i on i.id = l.item_id
    left join lateral internal.spread_demand(command, l.item_id, l.quantity) as s on true
    where v_only is null and not v_partial
    group by i.sku, l.quantity
    having coalesce(sum(s.quantity), 0) < l.quantity
    limit 1;
    if v_short is not null then
        perform internal.raise_error('IV001', jsonb_build_object('sku', v_short.sku, 'requested', v_short.quantity,
            'available', v_short.found));
    end if;
end
$$;

comment on function internal.allocate(internal.command, timestamptz) is 'Which quantity of which item a reserve command takes where.';
