-- Makes sure that the items of levels on which nothing is are still as they were read before the rows were locked: only there their kind and tracking can have
-- changed meanwhile (internal.lock_retyped). Raises 40001 if one has lots, serial numbers, components or no limit now: the batch is decided again.
create or replace function internal.check_still_plain(levels internal.level[])
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
    if exists (
        select from unnest(levels) as v
        where (v.on_hand, v.reserved, v.in_transit, v.backordered, v.damaged, v.incoming) = (0, 0, 0, 0, 0, 0)
            and exists (
                select from inventory.item as i where i.id = v.item_id and (i.kind <> 'physical' or i.tracking <> 'none') offset 0))
    then
        raise exception 'the kind or the tracking of an item has just changed' using errcode = '40001';
    end if;
end
$$;

comment on function internal.check_still_plain(internal.level[]) is 'Makes sure that items on whose levels nothing is are still plain.';
