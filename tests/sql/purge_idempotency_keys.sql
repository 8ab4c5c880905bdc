-- api.purge_idempotency_keys: forgets old keys.
begin;
select plan(16);
select test.make_catalogue();
select * from api.add_stock('A', 'W1', 1, idempotency_key => 'old-1');
select * from api.add_stock('A', 'W1', 1, idempotency_key => 'old-2');
select * from api.add_stock('A', 'W1', 1, idempotency_key => 'new');
select is(api.purge_idempotency_keys(), 0::bigint, 'a key younger than 24 hours stays');
update inventory.idempotency_key as k set created_at = clock_timestamp() - interval '25 hours' where k.key like 'old-%';
select is(api.purge_idempotency_keys(max_count => 1), 1::bigint, 'at most as many as asked for');
select is(api.purge_idempotency_keys(), 1::bigint, 'the rest');
select is((select string_agg(k.key, ',') from inventory.idempotency_key as k), 'new', 'the young one stays');
select is((select replayed from api.add_stock('A', 'W1', 1, idempotency_key => 'new')), true, 'and is replayed');
select is((select replayed from api.add_stock('A', 'W1', 1, idempotency_key => 'old-1')), false, 'a forgotten one is applied again');

-- What Kafka still has may come again.
create function pg_temp.ingest(key text) returns text language sql as $$
    select a.outcome from api.apply_commands(jsonb_build_array(jsonb_build_object(
        'op', 'add', 'sku', 'A', 'location', 'W1', 'quantity', 1, 'idempotency_key', key)), 'ingest:inventory-events') as a
$$;
select is(pg_temp.ingest('event-1'), 'applied', 'an event is applied');
select is(pg_temp.ingest('event-2'), 'applied', 'another, too');
update inventory.idempotency_key as k set created_at = clock_timestamp() - interval '8 days 23 hours' where k.key = 'event-1';
update inventory.idempotency_key as k set created_at = clock_timestamp() - interval '9 days 1 hour' where k.key = 'event-2';
select is(api.purge_idempotency_keys('1 hour'), 1::bigint, 'of ingest only a key older than nine days goes');
select is(pg_temp.ingest('event-1'), 'replayed', 'an event that a topic may still have finds its key');
update inventory.idempotency_key as k set created_at = clock_timestamp() - interval '9 days 1 hour' where k.key = 'event-1';
select is(api.purge_idempotency_keys('10 days'), 0::bigint, 'a longer age is kept to for ingest, too');
select is(api.purge_idempotency_keys(), 1::bigint, 'and in the end it goes');

select throws_ok($$ select api.purge_idempotency_keys('59 minutes') $$, 'IV008', null, 'an age under an hour is refused');
select throws_ok($$ select api.purge_idempotency_keys(null) $$, 'IV008', null, 'no age is refused');
select throws_ok($$ select api.purge_idempotency_keys(max_count => 0) $$, 'IV008', null, 'zero is refused');
select throws_ok($$ select api.purge_idempotency_keys(max_count => 1000001) $$, 'IV008', null, '1,000,001 is refused');
select * from finish();
rollback;
