-- Share-locks lots of which units come in, in id order: a recall (internal.do_recall) changes the lot, so it waits for whoever brings units
-- of it to a place that the recall has not locked, and then finds them there.
create or replace function internal.lock_lots(changes internal.lot_change[])
returns void
language sql
volatile
set search_path = ''
as $$
    select from inventory.lot as l
    where l.id in (select c.lot_id from unnest(changes) as c)
    order by l.id
    for share
$$;

comment on function internal.lock_lots(internal.lot_change[]) is 'Share-locks lots of which units come in.';
