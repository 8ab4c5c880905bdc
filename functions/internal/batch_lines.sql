-- One line for each key that a batch touches, with what it does there where that is plain.
create or replace function internal.batch_lines(commands internal.command[])
returns internal.line[]
language sql
stable
set search_path = ''
as $$
    select internal.read_lines(plain) || internal.read_reservation_lines(plain) || array(
        select jsonb_populate_record(null::internal.line, jsonb_build_object('ordinal', c.ordinal, 'item_id', k.item_id,
            'location_id', k.location_id, 'special', true))
        from unnest(commands) as c
        cross join lateral internal.special_keys(c) as k
        -- Plain commands on bundles too: read_lines does not take them apart.
        where c.code is null and (c.special or c.op in ('reserve', 'remove') and exists (
            select from internal.command_lines(c.body) as l
            join inventory.item as i on i.sku = l.line ->> 'sku' and i.kind = 'bundle')))
    from (select array(select c from unnest(commands) as c where not c.special and c.code is null)) as p (plain)
$$;

comment on function internal.batch_lines(internal.command[]) is 'One line for each key that a batch touches.';
