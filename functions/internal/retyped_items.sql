-- The items at locations whose type is not the one that the summaries were made with, and takes note of the new type. A location that is
-- new counts too: its stock may have been summarised before it was noted.
create or replace function internal.retyped_items()
returns uuid[]
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_locations text[];
begin
    with noted as (
        insert into inventory.stock_summary_location as n (location_id, type)
        select l.id, l.type
        from inventory.location as l
        left join inventory.stock_summary_location as k on k.location_id = l.id
        where k.type is distinct from l.type
        on conflict (location_id) do update set type = excluded.type
        returning n.location_id
    )
    select array_agg(n.location_id) into v_locations from noted as n;
    if v_locations is null then
        return '{}';
    end if;
    return array(select distinct s.item_id from inventory.stock_level as s where s.location_id = any (v_locations));
end
$$;

comment on function internal.retyped_items() is 'The items at locations whose type has changed since the summaries were made.';
