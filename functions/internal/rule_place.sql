-- The item and the location that a rule is for; null where it is for all. Errors: IV003, IV004.
create or replace function internal.rule_place(sku text, location text, out item_id uuid, out location_id text)
language plpgsql
stable
set search_path = ''
as $$
begin
    if sku is not null then
        item_id := internal.item_id_of(sku);
    end if;
    if location is not null then
        location_id := internal.location_id_of(location);
    end if;
end
$$;

comment on function internal.rule_place(text, text) is 'The item and the location that a rule of alerts is for.';
