-- f06, after frappe/erpnext 51562: each ledger row keeps the balance after it, worked out from the last row that could be seen.
create schema faulty;

create table faulty.ledger (
    id bigint generated always as identity primary key,
    quantity bigint not null,
    quantity_after bigint not null
);
insert into faulty.ledger (quantity, quantity_after) values (10, 10);

-- The program keeps what it has read: here in a setting of the session.
create function faulty.read_balance()
returns void
language sql
as $$
    -- The mistake: a plain read does not see, nor wait for, a posting that is under way.
    select set_config('faulty.balance', (select l.quantity_after from faulty.ledger as l order by l.id desc limit 1)::text, false)
$$;

create function faulty.post(quantity bigint)
returns void
language sql
as $$
    insert into faulty.ledger (quantity, quantity_after)
    values (post.quantity, current_setting('faulty.balance')::bigint + post.quantity)
$$;
