-- f09, after woocommerce/woocommerce 67751: a hold belongs to an order, and a shopper who begins again has another order.
create schema faulty;

create table faulty.product (sku text primary key, quantity bigint not null);
create table faulty.hold (order_id bigint primary key, shopper text not null, quantity bigint not null, expires_at timestamptz not null);
insert into faulty.product (sku, quantity) values ('A', 5);

create function faulty.reserve(order_id bigint, shopper text, quantity bigint)
returns void
language plpgsql
as $$
begin
    perform from faulty.product as p for update;
    -- The mistake: only the hold of this very order does not stand in its way.
    if (select p.quantity from faulty.product as p) < reserve.quantity + coalesce((
            select sum(h.quantity) from faulty.hold as h where h.order_id <> reserve.order_id and h.expires_at > clock_timestamp()), 0) then
        raise exception 'insufficient stock' using errcode = 'IV001';
    end if;
    insert into faulty.hold as h (order_id, shopper, quantity, expires_at)
    values (reserve.order_id, reserve.shopper, reserve.quantity, clock_timestamp() + interval '1 hour')
    on conflict on constraint hold_pkey do update set quantity = excluded.quantity, expires_at = excluded.expires_at;
end
$$;
