-- The policy that the stock_level of a key gets when it is made.
create or replace function internal.default_policy(item_id uuid, location_id text)
returns text
language sql
stable
set search_path = ''
as $$
    select internal.policy_of(i.kind, i.stock_policy, l.stock_policy)
    from inventory.item as i
    cross join inventory.location as l
    where i.id = default_policy.item_id and l.id = default_policy.location_id
$$;

comment on function internal.default_policy(uuid, text) is 'The policy that a stock_level gets when it is made.';
