-- The stock count with this id, locked and in one of these states. Errors: IV008 for null, IV031 unknown_count, IV032 count_closed.
create or replace function internal.lock_count(id uuid, states text[])
returns inventory.stock_count
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_count inventory.stock_count;
begin
    if id is null then
        perform internal.raise_error('IV008', internal.problem('count_id', 'is required'));
    end if;
    select c.* into v_count from inventory.stock_count as c where c.id = lock_count.id for no key update of c;
    if not found then
        perform internal.raise_error('IV031', jsonb_build_object('count_id', id));
    elsif v_count.status <> all (states) then
        perform internal.raise_error('IV032', jsonb_build_object('count_id', id, 'status', v_count.status));
    end if;
    return v_count;
end
$$;

comment on function internal.lock_count(uuid, text[]) is 'The stock count with this id, locked and in one of these states.';
