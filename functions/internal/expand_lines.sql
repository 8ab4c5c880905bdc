-- The lines of a command in base units of what lies on the shelf: units converted, bundles taken apart, demand on one key summed.
-- location is null where the command leaves the choice to Onhand. Ordered by item, then location: the order of locks.
-- line keeps what tracking needs: the lot, and all serial numbers named for the key.
-- Errors: IV003, IV004, IV010, IV011, IV012, IV015, IV016, IV023 (two lots for one key, a lot
-- of what is not tracked).
create or replace function internal.expand_lines(command internal.command, enters boolean, bundles boolean)
returns table (item_id uuid, location_id text, quantity bigint, line jsonb)
language plpgsql
stable
rows 5
set search_path = ''
as $$
declare
    v_line jsonb;
    v_item inventory.item;
    v_parts jsonb := '[]';
    v_key record;
begin
    for v_line in select l.line from internal.command_lines(command.body) as l loop
        v_item := null;
        select i.* into v_item from inventory.item as i where i.sku = v_line ->> 'sku';
        perform internal.check_item_use(v_item, v_line ->> 'sku', enters, bundles);
        perform internal.check_untracked(v_item, v_line);
        if v_line ? 'location' then
            perform internal.check_location_use(v_line ->> 'location', enters);
        end if;
        v_parts := v_parts || (
            select jsonb_agg(jsonb_build_object('item_id', p.part_id, 'location_id', v_line -> 'location', 'line', v_line,
                'quantity', p.quantity * (v_line -> 'quantity')::numeric
                    * internal.unit_factor(v_item.id, v_item.sku, v_line ->> 'unit')))
            from internal.bundle_parts(v_item.id) as p);
    end loop;
    for v_key in
        select p.item_id, p.location_id collate "C" as location_id, sum(p.quantity) as quantity,
            count(distinct coalesce(p.line ->> 'lot', '')) as lots,
            jsonb_strip_nulls(jsonb_build_object('lot', min(p.line ->> 'lot'), 'lot_expires_at', min(p.line ->> 'lot_expires_at'),
                'serials', nullif(jsonb_path_query_array(jsonb_agg(p.line), '$[*].serials[*]'), '[]'))) as line
        from jsonb_to_recordset(v_parts) as p (item_id uuid, location_id text, quantity numeric, line jsonb)
        group by p.item_id, p.location_id
        order by p.item_id, 2
    loop
        if abs(v_key.quantity) > 1000000000000 then
            perform internal.raise_error('IV012', jsonb_build_object('location', v_key.location_id, 'requested', v_key.quantity));
        elsif v_key.lots > 1 then
            perform internal.raise_error('IV023', internal.problem('lot', 'one lot for each item and location of a command'));
        end if;
        return query select v_key.item_id, v_key.location_id, v_key.quantity::bigint, v_key.line;
    end loop;
end
$$;

comment on function internal.expand_lines(internal.command, boolean, boolean) is 'The lines of a command in base units of what lies on the shelf.';
