-- The months of the ledger that have a partition.
create or replace function internal.movement_partitions()
returns table (month date, relation regclass)
language sql
stable
rows 40
set search_path = ''
as $$
    select to_date(c.relname, '"stock_movement_y"YYYY"m"MM'), c.oid::regclass
    from pg_catalog.pg_inherits as h
    join pg_catalog.pg_class as c on c.oid = h.inhrelid
    where h.inhparent = 'inventory.stock_movement'::regclass
        and c.relname ~ '^stock_movement_y[0-9]{4}m[0-9]{2}$'
$$;

comment on function internal.movement_partitions() is 'The months of the ledger that have a partition.';
