-- f05, after frappe/erpnext 58434: a locking read of a key that has no row yet locks nothing.
create schema faulty;

create table faulty.entry (item text not null, warehouse text not null, quantity bigint not null);
create table faulty.bin (item text not null, warehouse text not null, quantity bigint not null, primary key (item, warehouse));

-- The program keeps what it has read: here in a setting of the session.
create function faulty.lock_entries()
returns void
language plpgsql
as $$
declare
    v_quantity bigint := 0;
    v_entry faulty.entry;
begin
    -- The mistake: there is no entry, so there is nothing that keeps others away.
    for v_entry in select e.* from faulty.entry as e where e.item = 'A' and e.warehouse = 'W1' for update loop
        v_quantity := v_quantity + v_entry.quantity;
    end loop;
    perform set_config('faulty.quantity', v_quantity::text, false);
end
$$;

create function faulty.receive(quantity bigint)
returns void
language plpgsql
as $$
begin
    insert into faulty.entry (item, warehouse, quantity) values ('A', 'W1', receive.quantity);
    insert into faulty.bin as b (item, warehouse, quantity)
    values ('A', 'W1', current_setting('faulty.quantity')::bigint + receive.quantity)
    on conflict (item, warehouse) do update set quantity = excluded.quantity;
end
$$;
