-- Gives a transfer of which nothing is open any more its last status; grows its version in any case.
create or replace function internal.close_transfer(id uuid, final_status text, instant timestamptz)
returns jsonb
language sql
volatile
set search_path = ''
as $$
    update inventory.transfer as t
    set status = case when exists (
            select from inventory.transfer_line as l
            where l.transfer_id = t.id and l.received + l.damaged + l.lost + l.returned < l.shipped) then t.status else final_status end,
        version = greatest(t.version + 1, internal.version_floor()), updated_at = instant
    where t.id = close_transfer.id
    returning jsonb_build_object('transfer_id', t.id, 'status', t.status)
$$;

comment on function internal.close_transfer(uuid, text, timestamptz) is 'Gives a transfer of which nothing is open any more its last status.';
