-- The items that a set of descriptions names, as they are, in its order.
create or replace function internal.item_changes(items jsonb)
returns setof api.item_change
language sql
stable
rows 100
set search_path = ''
as $$
    select s.*, false
    from jsonb_array_elements(items) with ordinality as e (body, position)
    cross join lateral internal.item_states(e.body ->> 'sku') as s
    order by e.position
$$;

comment on function internal.item_changes(jsonb) is 'The items that a set of descriptions names, as they are.';
