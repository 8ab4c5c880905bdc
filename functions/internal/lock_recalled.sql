-- Makes sure that the places of a lot are locked. They are, unless it got to another one between the look and the lock: that one is
-- locked now if nobody holds it. If somebody does, waiting could deadlock: raises 40001, and the batch is decided again.
create or replace function internal.lock_recalled(command internal.command)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
    v_key record;
begin
    for v_key in select k.item_id, k.location_id from internal.recall_keys(command) as k loop
        perform
        from inventory.stock_level as s
        where s.item_id = v_key.item_id and s.location_id = v_key.location_id
        for no key update nowait;
    end loop;
exception
    when lock_not_available then
        raise exception 'the lot has just come to another place' using errcode = '40001';
end
$$;

comment on function internal.lock_recalled(internal.command) is 'Makes sure that the places of a recalled lot are locked.';
