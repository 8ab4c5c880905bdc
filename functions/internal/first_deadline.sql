-- When the first pending hold on a key ends; null if none is open. One descent of the index reservation_line_open.
create or replace function internal.first_deadline(item_id uuid, location_id text)
returns timestamptz
language sql
volatile
return (
    select min(r.expires_at)
    from inventory.reservation_line as r
    where r.item_id = first_deadline.item_id and r.location_id = first_deadline.location_id and r.status = 'PENDING'
);

comment on function internal.first_deadline(uuid, text) is 'When the first pending hold on a key ends.';
