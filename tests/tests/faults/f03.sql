-- f03, after vendurehq/vendure 1738: stock is checked, under a lock even, when an order is begun, and allocated when it is placed.
create schema faulty;

create table faulty.stock_level (sku text primary key, on_hand bigint not null, allocated bigint not null);
insert into faulty.stock_level (sku, on_hand, allocated) values ('A', 10, 0);

create function faulty.begin_order(quantity bigint)
returns void
language plpgsql
as $$
begin
    perform from faulty.stock_level as s where s.sku = 'A' for update;
    if (select s.on_hand - s.allocated from faulty.stock_level as s where s.sku = 'A') < quantity then
        raise exception 'insufficient stock' using errcode = 'IV001';
    end if;
end
$$;

create function faulty.place_order(quantity bigint)
returns void
language sql
as $$
    -- The mistake: the lock of the check is gone, and nothing is checked again.
    update faulty.stock_level as s set allocated = s.allocated + place_order.quantity where s.sku = 'A'
$$;
