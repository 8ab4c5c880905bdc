-- api.get_stock_history: movements, newest first, page by page.
begin;
select plan(14);
select test.make_catalogue();
select * from api.add_stock('A', 'W1', 10, reason => 'first', user_id => 'u', correlation_id => 'c', reference => 'r');
select * from api.reserve_stock('A', 'W1', 4);
select * from api.apply_commands('[{"op": "add", "sku": "A", "location": "W2", "quantity": 1}, {"op": "add", "sku": "A", "location": "W2", "quantity": 2},
    {"op": "add", "sku": "A", "location": "SHUT", "quantity": 3}]');
select results_eq($$ select version, type, on_hand_delta, reserved_delta, on_hand, reserved, available from api.get_stock_history('A', 'W1') $$,
    $$ values (2::bigint, 'reserve', 0::bigint, 4::bigint, 10::bigint, 4::bigint, 6::bigint), (1, 'receipt', 10, 0, 10, 0, 10) $$, 'newest first');
select results_eq($$ select reason, user_id, correlation_id, reference, source, reservation_id from api.get_stock_history('A', 'W1') where version = 1 $$,
    $$ values ('first', 'u', 'c', 'r', 'sql', null::uuid) $$, 'with what was said about it');
select is((select count(*) from api.get_stock_history('A')), 5::bigint, 'all locations');
select is((select count(*) from api.get_stock_history('A', max_rows => 1)), 1::bigint, 'as many rows as asked for');
select is((select count(*) from api.get_stock_history('A', since => now() - interval '1 day', until => now() + interval '1 day')), 5::bigint, 'between two instants');
select is_empty($$ select * from api.get_stock_history('A', until => now() - interval '1 day') $$, 'nothing before that');
select is_empty($$ select * from api.get_stock_history('A', since => clock_timestamp() + interval '1 day') $$, 'nothing after that');
select is_empty($$ select * from api.get_stock_history('NONE') $$, 'an unknown sku has no rows');

-- Paging: every movement comes, none twice, also those of one instant at several locations.
create function pg_temp.pages(size integer) returns bigint[] language plpgsql as $$
declare
    v_before timestamptz;
    v_version bigint;
    v_rows bigint := 0;
    v_distinct text[] := '{}';
    v_row record;
    v_found boolean;
begin
    loop
        v_found := false;
        for v_row in select * from api.get_stock_history('A', max_rows => size, before => v_before, before_version => v_version) loop
            v_found := true;
            v_rows := v_rows + 1;
            v_distinct := v_distinct || (v_row.location || v_row.version);
            v_before := v_row.recorded_at;
            v_version := v_row.version;
        end loop;
        exit when not v_found or v_rows > 100;
    end loop;
    return array[v_rows, (select count(distinct d) from unnest(v_distinct) as d)];
end
$$;
select is(pg_temp.pages(1), '{5,5}', 'pages of one row');
select is(pg_temp.pages(2), '{5,5}', 'pages of two rows');
select is(pg_temp.pages(3), '{5,5}', 'pages of three rows');

select throws_ok($$ select * from api.get_stock_history('A', max_rows => 0) $$, 'IV008', null, 'zero rows are refused');
select throws_ok($$ select * from api.get_stock_history('A', max_rows => 1001) $$, 'IV008', null, '1,001 rows are refused');
select throws_ok($$ select * from api.get_stock_history('A', max_rows => null) $$, 'IV008', null, 'null rows are refused');
select * from finish();
rollback;
