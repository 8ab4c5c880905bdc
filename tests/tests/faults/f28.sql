-- f28: an order is looked up by its key before it is carried out, and its key is kept afterwards.
create schema faulty;

create table faulty.stock_level (sku text primary key, quantity bigint not null, reserved bigint not null);
create table faulty.reservation (id uuid primary key default gen_random_uuid(), quantity bigint not null);
create table faulty.request (key text not null, reservation_id uuid not null);
insert into faulty.stock_level (sku, quantity, reserved) values ('A', 20, 0);

create function faulty.reserve(quantity bigint, key text)
returns uuid
language plpgsql
as $$
declare
    v_id uuid;
begin
    -- The mistake: a request that is still under way cannot be seen, and nothing forbids a second one with its key.
    select r.reservation_id into v_id from faulty.request as r where r.key = reserve.key;
    if v_id is null then
        update faulty.stock_level as s set reserved = s.reserved + reserve.quantity where s.sku = 'A' and s.quantity - s.reserved >= reserve.quantity;
        insert into faulty.reservation as r (quantity) values (reserve.quantity) returning r.id into v_id;
        insert into faulty.request (key, reservation_id) values (reserve.key, v_id);
    end if;
    return v_id;
end
$$;
