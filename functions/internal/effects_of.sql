-- What an answer says was done to which level, as rows.
create or replace function internal.effects_of(answer jsonb)
returns table (sku text, location text, type text, quantity bigint, on_hand bigint, reserved bigint, available bigint,
    in_transit bigint, backordered bigint, damaged bigint, incoming bigint, status text, version bigint, replayed boolean)
language sql
immutable
rows 2
set search_path = ''
as $$
    select l.sku, l.location, l.type, l.quantity, l.on_hand, l.reserved, l.available, l.in_transit, l.backordered, l.damaged,
        l.incoming, l.status, l.version, (answer -> 'replayed')::boolean
    from jsonb_to_recordset(answer -> 'levels') as l (sku text, location text, type text, quantity bigint, on_hand bigint,
        reserved bigint, available bigint, in_transit bigint, backordered bigint, damaged bigint, incoming bigint, status text,
        version bigint)
$$;

comment on function internal.effects_of(jsonb) is 'What an answer says was done to which level, as rows.';
