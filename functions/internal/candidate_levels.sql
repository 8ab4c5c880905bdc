-- Where a demand without a location may be met: at the open locations (of those that the command lists, if it does) that have the item, or whose
-- policy promises it without, in the order of the strategy: priority, fewest_splits = by priority of the location; nearest = in the
-- order of the list.
create or replace function internal.candidate_levels(command internal.command, item_id uuid)
returns table (location_id text, available bigint, policy text, rank bigint)
language sql
stable
rows 10
set search_path = ''
as $$
    select c.location_id, c.available, c.policy, row_number() over (order by c.place, c.priority, c.location_id)
    from (
        select l.id as location_id, coalesce(s.available, 0) as available, l.priority,
            coalesce(s.policy, internal.policy_of(i.kind, i.stock_policy, l.stock_policy)) as policy,
            case when command.body ->> 'strategy' = 'nearest' then w.place end as place,
            s.item_id is not null as found
        from inventory.location as l
        join inventory.item as i on i.id = candidate_levels.item_id
        left join inventory.stock_level as s on s.item_id = i.id and s.location_id = l.id
        left join (
            select e.id, min(e.place) as place
            from jsonb_array_elements_text(command.body -> 'locations') with ordinality as e (id, place)
            group by e.id
        ) as w on w.id = l.id
        where l.status = 'open' and (not command.body ? 'locations' or w.id is not null)
    ) as c
    where c.found or c.policy <> 'deny'
$$;

comment on function internal.candidate_levels(internal.command, uuid) is 'Where a demand without a location may be met, ranked by the strategy of the command.';
