-- The instant from which on the availability of a key may be another without anybody writing: the first pending hold or lot that ends.
create or replace function internal.next_deadline(item_id uuid, location_id text, tracking text)
returns timestamptz
language plpgsql
stable
set search_path = ''
as $$
begin
    if tracking <> 'none' then
        return least(internal.first_deadline(item_id, location_id), internal.next_lot_expiry(item_id, location_id));
    end if;
    return internal.first_deadline(item_id, location_id);
end
$$;

comment on function internal.next_deadline(uuid, text, text) is 'The first hold or lot of a key that ends.';
