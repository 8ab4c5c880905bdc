-- f08, after tigerbeetle/tigerbeetle 2118: a hold that ran out counts until somebody writes down that it did.
create schema faulty;

create table faulty.stock_level (sku text primary key, quantity bigint not null);
create table faulty.hold (
    id bigint generated always as identity primary key,
    quantity bigint not null,
    status text not null default 'PENDING',
    expires_at timestamptz not null
);
insert into faulty.stock_level (sku, quantity) values ('A', 5);

create function faulty.available()
returns bigint
language sql
as $$
    -- The mistake: only the sweeper looks at the deadline.
    select s.quantity - coalesce((select sum(h.quantity) from faulty.hold as h where h.status = 'PENDING'), 0)::bigint
    from faulty.stock_level as s
$$;

create function faulty.reserve(quantity bigint, expires_in interval)
returns void
language plpgsql
as $$
begin
    perform from faulty.stock_level as s for update;
    if faulty.available() < quantity then
        raise exception 'insufficient stock' using errcode = 'IV001';
    end if;
    insert into faulty.hold (quantity, expires_at) values (reserve.quantity, clock_timestamp() + expires_in);
end
$$;
