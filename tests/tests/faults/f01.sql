-- f01, after medusajs/medusa 16502: an order is checked line by line.
create schema faulty;

create table faulty.stock_level (sku text primary key, quantity bigint not null);
create table faulty.kit (sku text not null, component text not null, quantity bigint not null);
create table faulty.reservation (sku text not null, quantity bigint not null);
insert into faulty.stock_level (sku, quantity) values ('A', 10), ('B', 10);
insert into faulty.kit (sku, component, quantity) values ('KIT', 'B', 2);

create function faulty.demand(lines jsonb)
returns table (sku text, quantity bigint)
language sql
as $$
    select coalesce(k.component, l.sku), l.quantity * coalesce(k.quantity, 1)
    from jsonb_to_recordset(lines) as l (sku text, quantity bigint)
    left join faulty.kit as k on k.sku = l.sku
$$;

create function faulty.reserve(lines jsonb)
returns void
language plpgsql
as $$
begin
    perform from faulty.stock_level as s for update;
    -- The mistake: demand on one item is not added up before it is compared.
    if exists (
        select from faulty.demand(lines) as d
        join faulty.stock_level as s on s.sku = d.sku
        where d.quantity > s.quantity - (select coalesce(sum(r.quantity), 0) from faulty.reservation as r where r.sku = d.sku)) then
        raise exception 'insufficient stock' using errcode = 'IV001';
    end if;
    insert into faulty.reservation (sku, quantity)
    select d.sku, d.quantity from faulty.demand(lines) as d;
end
$$;

create view faulty.stock as
select s.sku, s.quantity as on_hand, coalesce(sum(r.quantity), 0)::bigint as promised
from faulty.stock_level as s
left join faulty.reservation as r on r.sku = s.sku
group by s.sku;
