-- f11, after saleor/saleor 17170: the balances of all warehouses are added up with their signs.
create schema faulty;

create table faulty.stock (warehouse text primary key, quantity bigint not null, allocated bigint not null);
insert into faulty.stock (warehouse, quantity, allocated) values ('W1', -30, 0), ('W2', 20, 4);

create function faulty.available()
returns bigint
language sql
as $$
    -- The mistake: what one warehouse owes is taken from what another one has.
    select greatest(sum(s.quantity - s.allocated), 0)::bigint from faulty.stock as s
$$;
