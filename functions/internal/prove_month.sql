-- Makes ready to detach a closed month: nobody adds to it any more, its closing balances have all of it, and its count and digest are kept.
-- Reads the month once, so it comes before the lock that a detach needs.
create or replace function internal.prove_month(month date, relation regclass)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
    perform internal.lock_month(month);
    -- What a clock set back has put there since goes into the closing balances while it can still be read.
    perform internal.renew_closings(month);
    insert into inventory.retired_partition (month, table_name, movements, digest, first_recorded_at, last_recorded_at)
    select prove_month.month, 'archive.' || c.relname, d.movements, d.digest, d.first_recorded_at, d.last_recorded_at
    from pg_catalog.pg_class as c
    cross join internal.movements_digest(relation) as d
    where c.oid = relation;
end
$$;

comment on function internal.prove_month(date, regclass) is 'Makes ready to detach a closed month, and keeps its count and digest.';
