-- f30: the ledger has partitions for as long as somebody thinks of them, and a version is the time of the clock.
create schema faulty;

create table faulty.clock (instant timestamptz not null);
insert into faulty.clock (instant) values ('2026-02-01 00:00:00+00');
create table faulty.ledger (version bigint not null, quantity bigint not null, recorded_at timestamptz not null) partition by range (recorded_at);
create table faulty.ledger_2026_01 partition of faulty.ledger for values from ('2026-01-01 00:00:00+00') to ('2026-02-01 00:00:00+00');

create function faulty.add(quantity bigint)
returns bigint
language sql
as $$
    -- The mistakes: nobody makes the partition of a month that begins, and clocks step back.
    insert into faulty.ledger as l (version, quantity, recorded_at)
    select extract(epoch from c.instant)::bigint, add.quantity, c.instant from faulty.clock as c
    returning l.version
$$;
