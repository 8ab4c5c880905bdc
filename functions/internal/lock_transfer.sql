-- The transfer that a command names, locked. Errors: IV018 unknown_transfer, IV019 transfer_closed.
create or replace function internal.lock_transfer(id uuid)
returns inventory.transfer
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_transfer inventory.transfer;
begin
    select t.* into v_transfer from inventory.transfer as t where t.id = lock_transfer.id for no key update of t;
    if not found then
        perform internal.raise_error('IV018', jsonb_build_object('transfer_id', id));
    elsif v_transfer.status <> 'IN_TRANSIT' then
        perform internal.raise_error('IV019', jsonb_build_object('transfer_id', id, 'status', v_transfer.status));
    end if;
    return v_transfer;
end
$$;

comment on function internal.lock_transfer(uuid) is 'The transfer that a command names, locked and still open.';
