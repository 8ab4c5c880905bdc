-- What has to be ordered, the most urgent first: items whose inventory position (available + incoming + in transit - backordered) is at or below
-- their reorder point (min_level where they are planned by min_max). order_quantity is that of api.suggest_order_quantity, or what is missing
-- to the reorder point if that is more, in packs of the supplier; missing names what the method could not take into account.
-- location: all open ones without; supplier: only items that are ordered there first.
-- Errors: IV004, IV008 if max_rows is not 1 to 1000, IV028. Locks nothing. Security definer because readers of api have no right on the tables.
create or replace function api.list_reorder_suggestions(location text default null, supplier text default null,
    max_rows integer default 100)
returns setof api.reorder_suggestion
language plpgsql
stable
security definer
rows 100
set search_path = ''
as $$
declare
    v_location_id constant text := case when location is not null then internal.location_id_of(location) end;
    v_supplier constant text := case when supplier is not null then internal.supplier_code_of(supplier) end;
    v_now constant timestamptz := clock_timestamp();
begin
    perform internal.check_max_rows(max_rows);
    return query
    select p.sku, c.item_id, c.location, p.supplier, coalesce((c.level).available, 0), coalesce((c.level).incoming, 0),
        coalesce((c.level).in_transit, 0), coalesce((c.level).backordered, 0), c.inventory_position, c.reorder_point, p.method,
        internal.whole_packs(greatest(p.order_quantity, c.reorder_point - c.inventory_position, 1), p.minimum_order_quantity,
            p.order_multiple),
        p.unit_cost, p.currency, p.lead_time_days::numeric, p.missing
    from internal.reorder_candidates(v_location_id, v_supplier, max_rows, v_now) with ordinality
        as c (item_id, location, level, inventory_position, reorder_point, place)
    cross join lateral internal.planning_terms(c.item_id, c.location, null, null, null, v_now) as t
    cross join lateral internal.plan_item(t) as p
    order by c.place;
end
$$;

revoke execute on function api.list_reorder_suggestions(text, text, integer) from public;
grant execute on function api.list_reorder_suggestions(text, text, integer) to onhand_api, onhand_reader;
comment on function api.list_reorder_suggestions(text, text, integer) is 'What has to be ordered, the most urgent first, and how much of it.';
