-- api.upsert_locations and api.upsert_location: locations by id.
begin;
select plan(26);
select results_eq($$ select id, name, type, priority, status, address, metadata, version from api.upsert_location('W1') $$,
    $$ values ('W1', 'W1', 'warehouse', 100, 'open', null::jsonb, '{}'::jsonb, 1::bigint) $$, 'a new location has defaults');
select results_eq($$ select id, name, type, priority, status, address, metadata, version
        from api.upsert_location('S.1-a_b', 'Shop', 'store', 5, 'closed', '{"city": "Ulm", "street": null}', '{"k": 1}') $$,
    $$ values ('S.1-a_b', 'Shop', 'store', 5, 'closed', '{"city": "Ulm", "street": null}'::jsonb, '{"k": 1}'::jsonb, 1::bigint) $$, 'every field is kept as it was given');
select results_eq($$ select name, type, priority, version from api.upsert_location('S.1-a_b', priority => 6) $$,
    $$ values ('Shop', 'store', 6, 2::bigint) $$, 'null keeps what the location has');
select is((select version from api.upsert_location('S.1-a_b', priority => 6)), 2::bigint, 'a location that stays as it is keeps its version');
select results_eq($$ select id from api.upsert_locations('[{"id": "Z"}, {"id": "A"}]') $$, $$ values ('Z'), ('A') $$, 'rows come back in the order given');
select is_empty($$ select * from api.upsert_locations('[]') $$, 'no location, no row');
select throws_ok($$ select * from api.upsert_locations((select jsonb_agg(jsonb_build_object('id', 'N' || n)) from generate_series(1, 1001) as n)) $$,
    'IV013', null, '1,001 locations are refused');
select throws_ok($$ select * from api.upsert_locations('{}') $$, 'IV008', null, 'an object is refused');
select throws_ok($$ select * from api.upsert_locations(null) $$, 'IV008', null, 'null is refused');
select is(test.refusal($$ select * from api.upsert_locations('[{"id": "NEW"}, {"id": "X", "type": "ship"}]') $$) ->> 'entry', '1', 'the detail names the entry');
select is_empty($$ select * from api.get_location('NEW') $$, 'all or nothing');
select throws_ok($$ select * from api.upsert_locations('[{"id": "D"}, {"id": "D"}]') $$, 'IV008', null, 'an id twice is refused');
select throws_ok($$ select * from api.upsert_location(null) $$, 'IV008', null, 'no id is refused');
select throws_ok($$ select * from api.upsert_location('') $$, 'IV008', null, 'an empty id is refused');
select throws_ok($$ select * from api.upsert_location('a b') $$, 'IV008', null, 'an id with a blank is refused');
select throws_ok($$ select * from api.upsert_location('-a') $$, 'IV008', null, 'an id that begins with a dash is refused');
select lives_ok($$ select * from api.upsert_location(repeat('l', 64)) $$, 'an id of 64 characters is taken');
select throws_ok($$ select * from api.upsert_location(repeat('l', 65)) $$, 'IV008', null, 'an id of 65 characters is refused');
select throws_ok($$ select * from api.upsert_location('W1', name => repeat('n', 501)) $$, 'IV008', null, 'a name of 501 characters is refused');
select throws_ok($$ select * from api.upsert_location('W1', status => 'half') $$, 'IV008', null, 'an unknown status is refused');
select throws_ok($$ select * from api.upsert_location('W1', priority => -1) $$, 'IV008', null, 'a negative priority is refused');
select throws_ok($$ select * from api.upsert_location('W1', priority => 1000001) $$, 'IV008', null, 'a priority of 1,000,001 is refused');
select throws_ok($$ select * from api.upsert_location('W1', address => '[]') $$, 'IV008', null, 'an address must be an object');
select throws_ok($$ select * from api.upsert_location('W1', metadata => '[]') $$, 'IV008', null, 'metadata must be an object');
select throws_ok($$ select * from api.upsert_locations('[{"id": "X", "floor": 1}]') $$, 'IV008', null, 'an unknown field is refused');
select api.raise_epoch('test');
select is((select version from api.upsert_location('W1', 'other')), 1099511627776, 'the next version is in the new epoch');
select * from finish();
rollback;
