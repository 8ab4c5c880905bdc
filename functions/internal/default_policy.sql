-- The policy that a stock_level gets when it is made: unlimited for digital items, else that of the item, else that of the location.
create or replace function internal.default_policy(item_id uuid, location_id text)
returns text
language sql
stable
set search_path = ''
as $$
    select case when i.kind = 'digital' then 'unlimited' else coalesce(i.stock_policy, l.stock_policy, 'deny') end
    from inventory.item as i
    cross join inventory.location as l
    where i.id = default_policy.item_id and l.id = default_policy.location_id
$$;

comment on function internal.default_policy(uuid, text) is 'The policy that a stock_level gets when it is made.';
