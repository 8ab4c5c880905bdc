-- How much of an item can be reserved now, at one location or at each that has it: for a bundle the number of whole bundles that its components
-- make up there, for a digital item no limit (available is null). Holds past their deadline are not counted.
-- Errors: IV003, IV008. Locks nothing. Security definer because readers of api have no right on the tables.
create or replace function api.get_availability(sku text, location text default null)
returns setof api.availability
language sql
stable
security definer
rows 10
set search_path = ''
as $$
    with part as materialized (
        select p.part_id, p.quantity, i.sku as part_sku
        from internal.bundle_parts(internal.item_id_of(get_availability.sku)) as p
        join inventory.item as i on i.id = p.part_id
    )
    select i.sku, i.kind, s.location,
        case when not bool_and(s.policy = 'unlimited')
            then floor(min(case when s.policy <> 'unlimited' then greatest(s.available, 0) / p.quantity end))::bigint end,
        bool_and(s.policy <> 'deny'), bool_and(s.policy = 'unlimited')
    from inventory.item as i
    cross join part as p
    cross join lateral api.get_stock_level(p.part_sku, get_availability.location) as s
    where i.sku = get_availability.sku
    group by i.sku, i.kind, s.location
    having count(*) = (select count(*) from part)
    order by s.location
$$;

revoke execute on function api.get_availability(text, text) from public;
grant execute on function api.get_availability(text, text) to onhand_api, onhand_reader;
comment on function api.get_availability(text, text) is 'How much of an item, or how many whole bundles, can be reserved now.';
