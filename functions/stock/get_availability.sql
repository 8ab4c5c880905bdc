-- How much of an item can be reserved now, at one location or at each that has some of it: for a bundle the number of whole bundles that its
-- components make up there, for a digital item no limit (available is null). backorderable: more than that may be reserved. Holds past
-- their deadline are not counted. No rows for what nobody can reserve: an archived item, a closed location, a bundle without components.
-- Errors: IV003, IV004, IV008. Locks nothing. Security definer because readers of api have no right on the tables.
create or replace function api.get_availability(sku text, location text default null)
returns setof api.availability
language plpgsql
stable
security definer
rows 10
set search_path = ''
as $$
declare
    v_item constant uuid := internal.item_id_of(sku);
    v_location constant text := case when location is not null then internal.location_id_of(location) end;
begin
    return query
    with part as materialized (
        select c.id, c.sku, c.kind, c.status, c.stock_policy, p.quantity
        from internal.bundle_parts(v_item) as p
        join inventory.item as c on c.id = p.part_id
    )
    select i.sku, i.kind, l.id,
        case when not bool_and(w.policy = 'unlimited')
            then floor(min(greatest(coalesce(s.available, 0), 0) / p.quantity) filter (where w.policy <> 'unlimited'))::bigint end,
        bool_and(w.policy <> 'deny'), bool_and(w.policy = 'unlimited')
    from inventory.item as i
    join inventory.location as l on l.status = 'open' and case when v_location is not null then l.id = v_location else exists (
        select from part as e join inventory.stock_level as t on t.item_id = e.id and t.location_id = l.id) end
    cross join part as p
    left join lateral api.get_stock_level(p.sku, l.id) as s on true
    cross join lateral (select coalesce(s.policy, internal.policy_of(p.kind, p.stock_policy, l.stock_policy))) as w (policy)
    where i.id = v_item and i.status = 'active' and not exists (select from part as a where a.status = 'archived')
    group by i.sku, i.kind, l.id
    order by l.id;
end
$$;

revoke execute on function api.get_availability(text, text) from public;
grant execute on function api.get_availability(text, text) to onhand_api, onhand_reader;
comment on function api.get_availability(text, text) is 'How much of an item, or how many whole bundles, can be reserved now.';
