-- f04, after odoo/odoo 268942: a balance that another session has locked is skipped, and a second one is made beside it.
create schema faulty;

create table faulty.balance (
    id bigint generated always as identity primary key,
    location text not null,
    quantity bigint not null
);
insert into faulty.balance (location, quantity) values ('W1', 10), ('W2', 10), ('W3', 10);

create function faulty.change(location text, delta bigint)
returns void
language plpgsql
as $$
declare
    v_id bigint;
begin
    -- The mistake: a row that is locked counts as one that is not there.
    select b.id into v_id from faulty.balance as b where b.location = change.location limit 1 for no key update skip locked;
    if v_id is null then
        insert into faulty.balance (location, quantity) values (change.location, delta);
    else
        update faulty.balance as b set quantity = b.quantity + delta where b.id = v_id;
    end if;
end
$$;

-- What the skipping was to avoid: the rows of a move are locked in the order in which the move names them.
create function faulty.take(location text, quantity bigint)
returns void
language sql
as $$
    update faulty.balance as b set quantity = b.quantity - take.quantity where b.location = take.location
$$;

create function faulty.put(location text, quantity bigint)
returns void
language sql
as $$
    update faulty.balance as b set quantity = b.quantity + put.quantity where b.location = put.location
$$;
