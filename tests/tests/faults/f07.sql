-- f07, after odoo/odoo 62139: what is reserved is counted in one place and listed in another, and each is changed by itself.
create schema faulty;

create table faulty.stock_level (sku text primary key, quantity bigint not null, reserved bigint not null);
create table faulty.reservation (id bigint primary key, quantity bigint not null, status text not null);
insert into faulty.stock_level (sku, quantity, reserved) values ('A', 10, 7);
insert into faulty.reservation (id, quantity, status) values (1, 3, 'PENDING'), (2, 4, 'PENDING');

create function faulty.check_pending(id bigint)
returns void
language plpgsql
as $$
begin
    if not exists (select from faulty.reservation as r where r.id = check_pending.id and r.status = 'PENDING') then
        raise exception 'reservation not pending' using errcode = 'IV009';
    end if;
end
$$;

create function faulty.cancel(id bigint)
returns void
language plpgsql
as $$
begin
    update faulty.reservation as r set status = 'RELEASED' where r.id = cancel.id;
    -- The mistake: the counter goes down for a reservation that somebody else may have cancelled meanwhile.
    update faulty.stock_level as s set reserved = greatest(s.reserved - r.quantity, 0)
    from faulty.reservation as r
    where r.id = cancel.id and s.sku = 'A';
end
$$;
