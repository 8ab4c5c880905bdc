-- A hold is found by its id, whatever the tables were like when they were last analysed: with no open hold in them the index of all open
-- holds looks as cheap to read as one entry of the primary key, and is not any more when the shop is open.
begin;
select plan(8);
select test.make_catalogue();
select * from api.add_stock('A', 'W1', 100000);
select * from api.add_stock('B', 'W1', 100000);
select * from api.add_stock('A', 'W2', 10);
-- Some of another item that have ended, for the statistics.
select count(*) from api.apply_commands((select jsonb_agg(jsonb_build_object('op', 'reserve', 'sku', 'B', 'location', 'W1', 'quantity', 1,
    'reservation_id', lpad(n::text, 32, '0')::uuid)) from generate_series(1001, 2000) as n));
select count(*) from api.apply_commands((select jsonb_agg(jsonb_build_object('op', 'cancel', 'reservation_id', lpad(n::text, 32, '0')::uuid))
    from generate_series(1001, 2000) as n));
analyze inventory.reservation, inventory.reservation_line;
-- Those that are open.
select count(*) from generate_series(1, 3) as c cross join lateral api.apply_commands((select jsonb_agg(jsonb_build_object('op', 'reserve', 'sku', 'A',
    'location', 'W1', 'quantity', 1, 'owner', 'cart', 'reservation_id', lpad((c * 1000 + 1000 + n)::text, 32, '0')::uuid)) from generate_series(1, 1000) as n));

create function pg_temp.hold(n integer) returns uuid language sql return lpad((2000 + n)::text, 32, '0')::uuid;
-- Entries of indexes and rows of both tables that a statement reads.
create function pg_temp.entries_read() returns bigint language sql as $$
    select sum(pg_stat_get_xact_tuples_returned(c.oid))::bigint from pg_class as c
    where c.oid in ('inventory.reservation'::regclass, 'inventory.reservation_line'::regclass)
        or c.oid in (select i.indexrelid from pg_index as i where i.indrelid in ('inventory.reservation'::regclass, 'inventory.reservation_line'::regclass))
$$;
create function pg_temp.reads_of(statement text) returns bigint language plpgsql as $$
declare
    v_before bigint := pg_temp.entries_read();
begin
    execute statement;
    return pg_temp.entries_read() - v_before;
end
$$;

select cmp_ok(pg_temp.entries_read(), '>', 3000::bigint, 'what is read is counted');
select cmp_ok(pg_temp.reads_of($$ select count(*) from api.confirm_reservation(pg_temp.hold(1)) $$), '<', 100::bigint, 'a confirmation reads what it confirms');
select cmp_ok(pg_temp.reads_of($$ select count(*) from api.cancel_reservation(pg_temp.hold(2)) $$), '<', 100::bigint, 'a cancellation');
select cmp_ok(pg_temp.reads_of($$ select count(*) from api.confirm_reservation(pg_temp.hold(3), lines => '[{"sku": "A", "location": "W1", "quantity": 1}]') $$), '<', 100::bigint, 'a confirmation of lines');
select cmp_ok(pg_temp.reads_of($$ select count(*) from api.extend_reservation(pg_temp.hold(4), '1 hour') $$), '<', 100::bigint, 'an extension');
select cmp_ok(pg_temp.reads_of($$ select count(*) from api.relocate_reservation(pg_temp.hold(5), 'W2') $$), '<', 100::bigint, 'a move to another location');
select cmp_ok(pg_temp.reads_of($$ select count(*) from api.apply_commands((select jsonb_agg(jsonb_build_object('op', case n % 2 when 0 then 'confirm' else 'cancel' end,
    'reservation_id', pg_temp.hold(n))) from generate_series(11, 30) as n)) $$), '<', 600::bigint, 'a batch of both');
select is(test.outcomes(jsonb_build_array(jsonb_build_object('op', 'confirm', 'reservation_id', pg_temp.hold(31)))), '{applied}', 'and they are applied');
select * from finish();
rollback;
