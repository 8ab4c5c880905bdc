-- The stock levels in an answer, as rows. waiting: what of the quantity that was reserved has to wait for stock.
create or replace function internal.levels_of(answer jsonb)
returns table (sku text, item_id uuid, location text, quantity bigint, on_hand bigint, reserved bigint, available bigint,
    status text, version bigint, replayed boolean, waiting bigint, type text)
language sql
immutable
rows 2
set search_path = ''
as $$
    select l.sku, l.item_id, l.location, l.quantity, l.on_hand, l.reserved, l.available, l.status, l.version,
        (answer -> 'replayed')::boolean, coalesce(l.waiting, 0), l.type
    from jsonb_to_recordset(answer -> 'levels') as l (sku text, item_id uuid, location text, quantity bigint, on_hand bigint,
        reserved bigint, available bigint, status text, version bigint, waiting bigint, type text)
$$;

comment on function internal.levels_of(jsonb) is 'The stock levels in an answer, as rows.';
