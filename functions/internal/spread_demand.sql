-- Spreads the demand for one item over ranked locations. priority and nearest: from the first on, each as far as it goes. fewest_splits: one
-- location that has all of it, if there is one; else the fullest first, which needs the fewest. What nobody has goes to the
-- first location whose policy lets it (oversell, backorder, unlimited), else the demand is left short for the caller to refuse.
create or replace function internal.spread_demand(command internal.command, item_id uuid, wanted bigint)
returns table (location_id text, quantity bigint)
language sql
stable
rows 3
set search_path = ''
as $$
    with candidate as (
        select c.*, case when c.policy = 'unlimited' then wanted else greatest(c.available, 0) end as free,
            row_number() over (order by
                case when command.body ->> 'strategy' = 'fewest_splits' and c.policy <> 'unlimited' and c.available < wanted then -c.available end
                    nulls first,
                c.rank) as turn
        from internal.candidate_levels(command, item_id) as c
    ), filled as (
        select c.location_id, c.policy, c.turn,
            least(c.free, greatest(wanted - coalesce(sum(c.free) over earlier, 0), 0)) as given
        from candidate as c
        window earlier as (order by c.turn rows between unbounded preceding and 1 preceding)
    ), rest as (
        select wanted - coalesce(sum(f.given), 0) as short,
            (select f.location_id from filled as f where f.policy <> 'deny' order by f.turn limit 1) as taker
        from filled as f
    )
    select f.location_id, (f.given + case when f.location_id = r.taker then greatest(r.short, 0) else 0 end)::bigint
    from filled as f
    cross join rest as r
    where f.given > 0 or (f.location_id = r.taker and r.short > 0)
    order by f.location_id
$$;

comment on function internal.spread_demand(internal.command, uuid, bigint) is 'Spreads the demand for one item over ranked locations.';
