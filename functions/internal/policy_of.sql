-- The policy of a stock_level that is made now: unlimited for digital items, else that of the item, else that of the location.
-- Inlined by the planner: no set clause.
create or replace function internal.policy_of(kind text, item_policy text, location_policy text)
returns text
language sql
immutable
parallel safe
return case when kind = 'digital' then 'unlimited' else coalesce(item_policy, location_policy, 'deny') end;

comment on function internal.policy_of(text, text, text) is 'The policy of a stock_level that is made now.';
