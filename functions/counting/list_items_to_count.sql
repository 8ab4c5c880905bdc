-- What is to be counted at a location: items of a class (all classes without) whose last count is longest ago, those that were never counted first.
-- Items of class A are due 30 days after their last count, B after 90, C after 365; only what is due, unless all_items says otherwise. Classes
-- are those of the last refresh of inventory.report_abc.
-- Errors: IV004, IV008 for a class that is none or max_rows beyond 1 to 1000. Locks nothing.
-- Security definer because readers of api have no right on the tables.
create or replace function api.list_items_to_count(location text, abc_class text default null, max_rows integer default 100,
    all_items boolean default false)
returns setof api.item_to_count
language plpgsql
stable
security definer
rows 100
set search_path = ''
as $$
declare
    v_location_id constant text := internal.location_id_of(location);
begin
    perform internal.check_abc_class(abc_class);
    perform internal.check_max_rows(max_rows);
    return query
    select t.*
    from internal.items_to_count(v_location_id, list_items_to_count.abc_class, clock_timestamp()) as t
    where t.due or coalesce(all_items, false)
    order by t.last_counted_at nulls first, t.abc_class, t.sku
    limit max_rows;
end
$$;

revoke execute on function api.list_items_to_count(text, text, integer, boolean) from public;
grant execute on function api.list_items_to_count(text, text, integer, boolean) to onhand_api, onhand_reader;
comment on function api.list_items_to_count(text, text, integer, boolean) is 'What is to be counted at a location, longest ago first.';
