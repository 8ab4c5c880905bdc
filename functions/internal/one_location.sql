-- The best-ranked location that has every line of a demand; null if none has.
create or replace function internal.one_location(command internal.command, lines jsonb)
returns text
language sql
stable
set search_path = ''
as $$
    select c.location_id
    from jsonb_to_recordset(lines) as l (item_id uuid, quantity bigint)
    cross join lateral internal.candidate_levels(command, l.item_id) as c
    join inventory.location as p on p.id = c.location_id
    where c.available >= l.quantity or c.policy = 'unlimited'
    group by c.location_id, p.priority
    having count(*) = jsonb_array_length(lines)
    order by p.priority, c.location_id
    limit 1
$$;

comment on function internal.one_location(internal.command, jsonb) is 'The best-ranked location that has every line of a demand.';
