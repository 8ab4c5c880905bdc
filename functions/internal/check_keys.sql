-- Called when the levels of a batch are locked: the keys that its commands have from a reservation, a transfer or another document, or by a
-- strategy, were read before that. If another session has brought one of those elsewhere since, its rows there are not locked, and to
-- lock them now could deadlock: raises 40001, and the batch is decided again.
create or replace function internal.check_keys(commands internal.command[], levels internal.level[])
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
    if exists (
        select
        from unnest(commands) as c
        cross join lateral internal.special_keys(c) as k
        left join unnest(levels) as v on v.item_id = k.item_id and v.location_id = k.location_id
        where c.code is null and v.item_id is null
            and (c.op in ('confirm', 'cancel', 'expire', 'extend', 'relocate', 'receive', 'cancel_transfer', 'receive_order', 'cancel_order')
                or c.body ?| '{replace,strategy}'::text[]))
    then
        raise exception 'what a command names has come to another place' using errcode = '40001';
    end if;
end
$$;

comment on function internal.check_keys(internal.command[], internal.level[]) is 'Refuses to go on if a command touches keys that are not locked.';
