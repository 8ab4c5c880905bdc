-- The log shows the movements of a level in the order of its versions, whatever made them: readers publish them in that order.
begin;
select plan(5);
select test.make_catalogue();
select * from api.add_stock('A', 'W1', 10000);
select * from api.add_stock('B', 'W1', 10000);
select * from api.add_stock('A', 'W2', 10000);

create table test.inserted (place bigint generated always as identity, item_id uuid, location_id text, version bigint, type text);
create function test.note_inserted() returns trigger language plpgsql security definer as $$
begin
    insert into test.inserted (item_id, location_id, version, type) values (new.item_id, new.location_id, new.version, new.type);
    return null;
end $$;
create trigger note_inserted after insert on inventory.stock_movement for each row execute function test.note_inserted();
create view test.out_of_order as
    select * from (
        select i.*, lag(i.version) over (partition by i.item_id, i.location_id order by i.place) as before from test.inserted as i) as s
    where s.before >= s.version;

-- Adds alone, then with commands that are decided in a way of their own.
select count(*) from api.apply_commands((select jsonb_agg(jsonb_build_object('op', 'add', 'sku', case n % 3 when 0 then 'B' else 'A' end,
    'location', case n % 3 when 1 then 'W2' else 'W1' end, 'quantity', 1) order by n) from generate_series(1, 300) as n));
select is_empty('select * from test.out_of_order', 'a plain batch writes in order');
select count(*) from api.apply_commands((select jsonb_agg(case n % 4
        when 0 then jsonb_build_object('op', 'move', 'sku', 'A', 'from', 'W1', 'to', 'W2', 'quantity', 1)
        when 1 then jsonb_build_object('op', 'remove', 'sku', 'B', 'location', 'W1', 'quantity', 1)
        when 2 then jsonb_build_object('op', 'move', 'sku', 'A', 'from', 'W2', 'to', 'W1', 'quantity', 2)
        else jsonb_build_object('op', 'adjust', 'sku', 'A', 'location', 'W2', 'quantity', 1, 'reason', 'found') end order by n)
    from generate_series(1, 300) as n));
select is_empty('select * from test.out_of_order', 'a mixed batch writes in order');

-- With some that are refused, so that each is decided after the ones before it.
select count(*) from api.apply_commands((select jsonb_agg(jsonb_build_object('op', case n % 5 when 0 then 'remove' when 1 then 'reserve' else 'add' end,
    'sku', case n % 3 when 0 then 'B' else 'A' end, 'location', case n % 2 when 1 then 'W2' else 'W1' end,
    'quantity', case n % 30 when 0 then 50000 else 1 end) order by n) from generate_series(1, 300) as n));
select is_empty('select * from test.out_of_order', 'a batch with refusals writes in order');

-- Holds that run out together: swept, and found by a batch of which they are the smaller part.
create view test.many as select 'X' || n as sku from generate_series(1, 40) as n;
create function test.hold() returns bigint language sql as $$
    select count(*) from api.apply_commands((select jsonb_agg(jsonb_build_object('op', 'reserve', 'sku', sku, 'location', 'W1',
        'quantity', 1, 'expires_in_seconds', 1) order by n, sku) from test.many as sku, generate_series(1, 3) as n))
$$;
select api.upsert_items((select jsonb_agg(jsonb_build_object('sku', 'X' || n, 'name', 'X')) from generate_series(1, 40) as n));
select count(*) from api.apply_commands((select jsonb_agg(jsonb_build_object('op', 'add', 'sku', sku, 'location', 'W1', 'quantity', 9)) from test.many as sku));
select test.hold();
select pg_sleep(1.1);
select * from api.expire_reservations(1000);
select test.hold();
select pg_sleep(1.1);
select count(*) from api.apply_commands((select jsonb_agg(jsonb_build_object('op', 'add', 'sku', sku, 'location', 'W1', 'quantity', 1)) from test.many as sku));
select is((select count(*) from test.inserted where type = 'expire'), 240::bigint, 'all of them ran out');
select is_empty('select * from test.out_of_order', 'expiry writes in order');

select * from finish();
rollback;
