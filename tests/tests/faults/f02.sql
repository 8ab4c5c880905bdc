-- f02, after medusajs/medusa 16569 and 12132: a level is read and checked, and the sum written back, without a lock in between.
create schema faulty;

create table faulty.stock_level (sku text primary key, quantity bigint not null, reserved bigint not null);
create table faulty.reservation (sku text not null, quantity bigint not null);
insert into faulty.stock_level (sku, quantity, reserved) values ('A', 10, 0);

-- The program keeps what it has read: here in a setting of the session.
create function faulty.check_stock(quantity bigint)
returns void
language plpgsql
as $$
declare
    v_level faulty.stock_level;
begin
    select s.* into v_level from faulty.stock_level as s where s.sku = 'A';
    if v_level.quantity - v_level.reserved < check_stock.quantity then
        raise exception 'insufficient stock' using errcode = 'IV001';
    end if;
    perform set_config('faulty.reserved', v_level.reserved::text, false);
end
$$;

create function faulty.increment(quantity bigint)
returns void
language plpgsql
as $$
begin
    -- The mistake: what was true when it was read is taken as true when it is written.
    update faulty.stock_level as s set reserved = current_setting('faulty.reserved')::bigint + increment.quantity where s.sku = 'A';
    insert into faulty.reservation (sku, quantity) values ('A', increment.quantity);
end
$$;

create view faulty.stock as
select s.sku, s.quantity as on_hand, s.reserved, coalesce(sum(r.quantity), 0)::bigint as promised
from faulty.stock_level as s
left join faulty.reservation as r on r.sku = s.sku
group by s.sku;
