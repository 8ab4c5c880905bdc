-- Where a demand without a location may be met: the levels of an item at open locations (of those that the command lists, if it does), in the
-- order of its strategy: priority, fewest_splits = by priority of the location; nearest = in the order of the list.
create or replace function internal.candidate_levels(command internal.command, item_id uuid)
returns table (location_id text, available bigint, policy text, rank bigint)
language sql
stable
rows 10
set search_path = ''
as $$
    select s.location_id, s.available, s.policy,
        row_number() over (order by case when command.body ->> 'strategy' = 'nearest' then w.position end, l.priority, l.id)
    from inventory.stock_level as s
    join inventory.location as l on l.id = s.location_id and l.status = 'open'
    left join jsonb_array_elements_text(command.body -> 'locations') with ordinality as w (id, position) on w.id = s.location_id
    where s.item_id = candidate_levels.item_id and (not command.body ? 'locations' or w.id is not null)
$$;

comment on function internal.candidate_levels(internal.command, uuid) is 'Where a demand without a location may be met, ranked by the strategy of the command.';
