-- f10, after saleor/saleor 11637: an alert is raised where the quantity crosses a line, though what is sold is the quantity less
-- what is allocated.
create schema faulty;

create table faulty.stock_level (
    sku text primary key,
    quantity bigint not null default 0,
    allocated bigint not null default 0,
    threshold bigint not null,
    version bigint not null default 0
);
create table faulty.allocation (id bigint generated always as identity primary key, sku text not null, quantity bigint not null);
create table faulty.ledger (sku text not null, version bigint not null, available bigint not null);
create table faulty.alert (sku text not null, version bigint not null, status text not null);

create function faulty.status(quantity bigint, threshold bigint)
returns text
language sql
as $$
    select case when quantity <= 0 then 'out_of_stock' when quantity <= threshold then 'low_stock' else 'in_stock' end
$$;

create function faulty.change(sku text, quantity bigint, allocated bigint)
returns void
language plpgsql
as $$
declare
    v_old faulty.stock_level;
    v_new faulty.stock_level;
    v_before text;
    v_after text;
begin
    select s.* into v_old from faulty.stock_level as s where s.sku = change.sku for update;
    if v_old.quantity + change.quantity < v_old.allocated + change.allocated then
        raise exception 'insufficient stock' using errcode = 'IV001';
    end if;
    update faulty.stock_level as s
    set quantity = s.quantity + change.quantity, allocated = s.allocated + change.allocated, version = s.version + 1
    where s.sku = change.sku
    returning s.* into v_new;
    insert into faulty.ledger (sku, version, available) values (change.sku, v_new.version, v_new.quantity - v_new.allocated);
    if change.allocated <> 0 then
        v_before := faulty.status(v_old.quantity - v_old.allocated, v_old.threshold);
        v_after := faulty.status(v_new.quantity - v_new.allocated, v_new.threshold);
    else
        -- The mistake: where stock comes or goes, what is allocated is forgotten.
        v_before := faulty.status(v_old.quantity, v_old.threshold);
        v_after := faulty.status(v_new.quantity, v_new.threshold);
    end if;
    if v_before <> v_after then
        insert into faulty.alert (sku, version, status) values (change.sku, v_new.version, v_after);
    end if;
end
$$;

create function faulty.reserve(sku text, quantity bigint)
returns void
language plpgsql
as $$
begin
    perform faulty.change(sku, 0, quantity);
    insert into faulty.allocation (sku, quantity) values (reserve.sku, reserve.quantity);
end
$$;

-- Cancels the oldest.
create function faulty.cancel(sku text)
returns void
language plpgsql
as $$
declare
    v_quantity bigint;
begin
    delete from faulty.allocation as a
    where a.id = (select min(b.id) from faulty.allocation as b where b.sku = cancel.sku)
    returning a.quantity into v_quantity;
    if v_quantity is null then
        raise exception 'unknown reservation' using errcode = 'IV005';
    end if;
    perform faulty.change(sku, 0, -v_quantity);
end
$$;
